// How Sphinx's search orders its results: prose before the package's API, which repeats each word.
var Scorer = {
  score: ([page, title, anchor, description, score]) =>
    /^book\/api|^genindex|^py-modindex/.test(page) ? score - 50 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
