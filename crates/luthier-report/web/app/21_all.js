'use strict';
// Every plot of a document.
(function (luthier) {
  /** In the order of the page. */
  function all(doc) {
    const { compare, importance, scores, heat, parallel, timeline, data, model, predictions, learning } = luthier.plots;
    return [compare, importance, scores, heat, parallel, timeline, data, model, predictions, learning].flatMap((make) => make(doc));
  }

  luthier.plots.all = all;
})(globalThis.luthier);
