"""One module per page of the book: what that page alone computes and draws."""
