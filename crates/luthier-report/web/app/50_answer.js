'use strict';
// The answer first, in sentences.
(function (luthier) {
  const { el, num, brief, prose } = luthier.dom;
  const { significant, value, count, percent, list, seconds, number, fixed, grouped } = luthier.format;
  const { lead, halfWidth, around, outcomes, pairs, paramsText } = luthier.document;

  function answer(doc) {
    if (doc.best === null) return [el('p.lead', null, nothing(doc)), cutShort(doc), facts(doc)];
    return [headline(doc), el('ul.sentences', null, sentences(doc).map((parts) => el('li', null, parts))), facts(doc)];
  }

  function cutShort(doc) {
    const said = early(doc);
    return said ? el('p', null, said) : null;
  }

  function nothing(doc) {
    return `No candidate has a score: of ${count(doc.candidates.count, 'candidate')}, none was scored on the folds it needed. `
      + 'The failures below say why.';
  }

  function headline(doc) {
    const params = doc.varying.length ? doc.varying : doc.candidates.params;
    const set = params.filter((p) => p.values[doc.best] !== null && p.values[doc.best] !== undefined);
    const names = doc.search.pipelines || [];
    const pipeline = names.length > 1 ? names[doc.candidates.pipeline[doc.best]] : null;
    const half = halfWidth(doc, doc.best);
    return el('div.answer', null,
      el('div.big', null,
        el('p.label', null, `${doc.metric} of candidate ${doc.best}`),
        el('p.score', null, num(doc.candidates.mean[doc.best], significant(doc.candidates.mean[doc.best], 6)),
          spread(doc, half)),
        el('p.label', null, doc.isLarger ? 'larger is better' : 'smaller is better'),
        onTest(doc)),
      el('div.best', null,
        el('p.label', null, doc.search.selection && doc.search.selection !== 'best' ? `chosen by ${value(doc.search.selection)}` : 'best parameters'),
        el('dl.params', null, pipeline === null ? null : [el('dt', null, 'pipeline'), el('dd', null, brief(pipeline))],
          set.map((p) => [el('dt', null, brief(p.name)), el('dd', null, brief(value(p.values[doc.best]), 160))]),
          set.length || pipeline !== null ? null : [el('dt', null, 'nothing'), el('dd', null, 'was searched')])));
  }

  /** The score of the chosen candidate on the test rows, beside its mean. */
  function onTest(doc) {
    const found = doc.search.test;
    const score = found && found.metrics ? found.metrics[doc.metric] : undefined;
    return score === undefined ? null : el('p.test', null, num(score, significant(score, 6)), el('span.label', null, ` on ${count(found.rows, 'test row')}`));
  }

  /** Each sentence as a list of texts and elements; those that the document cannot answer are left out. */
  function sentences(doc) {
    return [early, test, interval, fewer, next, probability, againstDefault, oneStandardError, procedure, recalled].map((part) => part(doc)).filter(Boolean);
  }

  /** ± where the interval is whole, else its ends. */
  function spread(doc, half) {
    if (!Number.isFinite(half)) return null;
    const { low, high, isLowCut, isHighCut } = around(doc, doc.best, half);
    if (!isLowCut && !isHighCut) return el('span.half', { title: half }, ` ± ${significant(half, 3)}`);
    return el('span.half', { title: `${low} to ${high}` }, ` ${significant(low, 4)} to ${significant(high, 4)}`);
  }

  function interval(doc) {
    const { scored } = doc.candidates;
    const half = halfWidth(doc, doc.best);
    if (!Number.isFinite(half)) {
      return [`The score comes from ${count(scored[doc.best] || 1, 'fold')}, so that nothing can be said about how sure it is.`];
    }
    if (half === 0) return [`It scores the same on all ${scored[doc.best]} folds: the standard error is 0 and says nothing about how sure the score is.`];
    const found = around(doc, doc.best, half);
    const folds = scored[doc.best] < doc.rounds ? `${scored[doc.best]} of ${doc.rounds} folds` : count(scored[doc.best], 'fold');
    return ['With 95\u00a0% confidence the mean ', doc.metric, ' of this candidate is between ', num(found.low, significant(found.low, 5)), ' and ',
      num(found.high, significant(found.high, 5)), `${cut(doc, found)}: the mean over ${folds} ± t · standard error, `
      + 'the standard error corrected for folds that share training rows.'];
  }

  function cut(doc, { isLowCut, isHighCut }) {
    const [least, most] = doc.bounds;
    const ends = [isLowCut ? `${least}, the least` : null, isHighCut ? `${most}, the largest` : null].filter(Boolean);
    return ends.length ? ` (the interval is cut at ${list(ends)} value of ${doc.metric})` : '';
  }

  /** Candidates that the best cannot be compared with. */
  function fewer(doc) {
    const { mean, scored } = doc.candidates;
    const found = doc.order.filter((c) => Number.isFinite(mean[c]) && scored[c] < scored[doc.best]);
    if (!found.length) return null;
    const better = found.filter((c) => lead(doc, mean[c], mean[doc.best]) > 0).length;
    return [`${count(found.length, 'candidate')} ${found.length === 1 ? 'has' : 'have'} scores of fewer folds: ${found.length === 1 ? 'it ranks' : 'they rank'} last and took no part in the choice`,
      better ? `, although the ${better === 1 ? 'mean of one is' : `means of ${better} are`} better so far.` : '.'];
  }

  function next(doc) {
    const { mean, scored } = doc.candidates;
    const other = doc.order.find((c) => c !== doc.best && Number.isFinite(mean[c]) && !(scored[c] < scored[doc.best]));
    if (other === undefined) return doc.candidates.count === 1 ? ['It was the only candidate.'] : null;
    const by = lead(doc, doc.candidates.mean[doc.best], doc.candidates.mean[other]);
    const params = paramsText(doc, other);
    const than = [`candidate ${other}`, inBrackets(params)];
    if (by === 0) return ['It scores the same as ', ...than, '.'];
    if (by < 0) return ['It is ', num(-by, significant(-by, 4)), ' worse than ', ...than, ', and was chosen by the rule ', value(doc.search.selection), '.'];
    return ['The next is ', ...than, ', ', num(by, significant(by, 4)), ' worse', relative(doc, by), '.'];
  }

  function relative(doc, by) {
    const m = Math.abs(doc.candidates.mean[doc.best]);
    if (!(m > 0)) return '';
    const share = Math.abs(by / m);
    return share > 0 && share < 1e-4 ? ' (less than 0.01\u00a0%)' : ` (${significant((by / m) * 100, 2)}\u00a0%)`;
  }

  function probability(doc) {
    const p = doc.candidates.probability[doc.best];
    if (!Number.isFinite(p)) return null;
    const also = doc.order.filter((c) => c !== doc.best && doc.candidates.probability[c] >= 0.05)
      .sort((a, b) => doc.candidates.probability[b] - doc.candidates.probability[a]).slice(0, 3);
    const others = also.map((c) => `candidate ${c} with ${percent(doc.candidates.probability[c])}${inBrackets(paramsText(doc, c))}`);
    return ['The probability that its mean is the best of all is ', num(p, percent(p)), also.length ? `; others that may be: ${list(others)}.` : '.',
      also.some((c) => doc.candidates.probability[c] > p) ? [' ', el('a', { href: '#p-best' }, 'Why one with a worse mean can have more'), '.'] : null];
  }

  function inBrackets(text) {
    return text ? ` (${text})` : '';
  }

  function againstDefault(doc) {
    const other = doc.search.default;
    if (!Number.isInteger(other)) return null;
    if (other === doc.best) return ['It is the one with the defaults of all stages: the search found nothing better.'];
    const m = doc.candidates.mean[other];
    if (!Number.isFinite(m)) return [`Candidate ${other}, with the defaults of the stages, has no score to compare with.`];
    const by = lead(doc, doc.candidates.mean[doc.best], m);
    return [`Candidate ${other} has the defaults of the stages and scores `, num(m, significant(m, 6)), ': the search gained ', num(by, significant(by, 4)), relative(doc, by), '.'];
  }

  function oneStandardError(doc) {
    const within = doc.search.within_one_standard_error || [];
    const others = within.filter((c) => c !== doc.best);
    if (!within.length) return null;
    if (!others.length) return ['No other candidate is within one standard error of the best mean.'];
    const named = others.length <= 3 ? `: ${list(others.map((c) => `candidate ${c}${inBrackets(paramsText(doc, c))}`))}` : '';
    const start = `${count(others.length, 'other candidate')} of ${doc.candidates.count - 1} ${others.length === 1 ? 'is' : 'are'} within one standard error of the best mean${named}. `;
    if (doc.search.selection === 'one_standard_error') return [start, 'The chosen one is the simplest of all these.'];
    return [start, ...prose('The simplest of them may do as well: `selection = "one_standard_error"` in `[search]` chooses it.')];
  }

  function procedure(doc) {
    const found = doc.search.procedure;
    if (!found) return tooGood(doc);
    const error = number(found.std_error);
    return ['The whole procedure, the choice among candidates included, scores ', num(found.mean, significant(found.mean, 6)),
      Number.isFinite(error) ? ` (standard error ${significant(error, 3)})` : '', ' on rows that took no part in the choice.'];
  }

  /** Without the score of the choice itself. */
  function tooGood(doc) {
    const { mean } = doc.candidates;
    const scored = doc.order.filter((c) => Number.isFinite(mean[c]));
    if (scored.length < 2) return null;
    const isBest = scored.every((c) => lead(doc, mean[c], mean[doc.best]) <= 0);
    const why = `The mean of the chosen candidate is ${isBest ? `the ${doc.isLarger ? 'largest' : 'smallest'} of ${scored.length}` : `of one of ${scored.length}, chosen by these means`}, and therefore likely too good`;
    if (doc.rounds < 2) return [`${why}: rows that took no part in the choice, as test rows are, tell more.`];
    return [`${why}. `, ...prose('`nested = true` in `[search]` also scores the choice, on rows that took no part in it.')];
  }

  /** Scores of an earlier run took no time in this one. */
  function recalled(doc) {
    const n = doc.search.recalled;
    if (!(n > 0)) return null;
    const { run } = pairs(doc);
    const which = n >= run ? `${n === 1 ? 'The score was' : `All ${grouped(String(n))} scores were`}` : `${grouped(String(n))} of ${count(run, 'score')} ${n === 1 ? 'was' : 'were'}`;
    return [`${which} known from an earlier run (its journal): the timeline and the work are those of this run only.`];
  }

  function test(doc) {
    const found = doc.search.test;
    if (!found) return null;
    const scores = Object.entries(found.metrics || {}).map(([name, x]) => `${name} ${significant(x, 6)}`);
    const errors = Object.entries(found.errors || {}).map(([name, text]) => `${name} could not be computed: ${text}`);
    return [`On the ${count(found.rows, 'test row')}, which the search did not see: ${list([...scores, ...errors])}.`];
  }

  function early(doc) {
    if (!doc.search.ended_early) return null;
    const { scored, all } = pairs(doc);
    return [el('strong', null, 'The search ended early'), ' ', prose(doc.search.ended_early),
      all ? `: ${grouped(String(scored))} of ${count(all, 'pair')} of a candidate and a fold ${scored === 1 ? 'was' : 'were'} scored` : '', '. What follows is what it had found by then. ', goesOn(doc)];
  }

  function goesOn(doc) {
    const command = (doc.raw.repeat && doc.raw.repeat.command) || [];
    return prose(command.includes('--fresh') ? 'The same command without `--fresh` goes on from there.' : 'Running the same command again goes on from there.');
  }

  function facts(doc) {
    const { search } = doc;
    const lost = { f: 0, p: 0, c: 0 };
    for (let c = 0; c < doc.candidates.count; c += 1) {
      const seen = outcomes(doc, c);
      for (const letter of Object.keys(lost)) if (seen.includes(letter)) lost[letter] += 1;
    }
    const items = [
      ['candidates', fixed(doc.candidates.count, 0)], ['folds', doc.rounds || null], ['failed', lost.f || null], ['pruned', lost.p || null],
      ['cancelled', lost.c || null], ['strategy', search.strategy], ['search time', search.search_seconds === undefined ? null : seconds(search.search_seconds)],
      ['in flight at most', luthier.events.inFlight(doc) || null], ['executor', search.executor], ['seed', search.seed],
    ];
    const list = el('dl.facts', null, items.filter(([, x]) => x !== null && x !== undefined).map(([name, x]) => el('div', null, el('dt', null, name), el('dd', null, prose(value(x))))));
    return search.executor_note ? [list, el('p.hint', null, prose(search.executor_note))] : list;
  }

  luthier.sections.push({ id: 'answer', title: 'The answer', make: answer });
})(globalThis.luthier);
