"""What all trained families share: the training loop, sweeps over sizes and seeds, attention."""
