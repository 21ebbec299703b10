// What is behind a cell, in a dialog: of a case its evidence and history, of a requirement its
// cases and the evidence of the worst.

const CASES_LISTED = 300;
const HISTORY_SHOWN = 400;

/** The evidence of a case in a column: `newest`, and the ways in which it did not pass. */
async function evidenceOf(item, column) {
  const block = Math.floor(item / model.index.block);
  const cells = (evidenceOf.blocks[block] ??= await unpackedJson(`evidence-${block}`));
  const cell = cells[(item % model.index.block) * model.index.columns.length + column] || {};
  const ways = cell.ways ?? [];
  return { newest: cell.newest ?? ways[0]?.record ?? null, ways };
}
evidenceOf.blocks = {};

/** The place among all runs of the run that a cell is of, or -1. */
function runOf(item, column) {
  const codes = historyOf(item, column);
  for (let run = codes.length - 1; run >= 0; run--)
    if (codes[run] !== NOT_RUN) return model.index.columns[column].runs[run];
  return -1;
}

function showDialog(content) {
  const dialog = $('cell');
  const close = el('button', { type: 'button', class: 'close', onclick: () => dialog.close() }, 'Close (Esc)');
  dialog.replaceChildren(close, ...content.flat().filter(Boolean));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

async function caseParts(item, column) {
  model.history ??= await unpacked('history');
  const { index } = model;
  const evidence = await evidenceOf(item, column);
  const outcome = outcomeOf(codeOf(item, column));
  return [
    title(index.cases[item], column, outcome),
    oldNote(item, column),
    recordParts(evidence.newest, item, column),
    requirementLinks(item, column),
    historyLine(item, column),
    attemptParts(evidence.newest),
    earlierWays(evidence.ways, item, column),
  ];
}

async function requirementParts(row, column) {
  model.history ??= await unpacked('history');
  const { id, text, planned } = model.index.requirements[row];
  const key = (item) => [codeOf(item, column), item];
  const items = [...model.casesOf[row]].sort(
    (a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1],
  );
  const tried = items.filter((item) => codeOf(item, column) !== NOT_RUN);
  const code = model.cells[row * model.index.columns.length + column];
  const outcome = code === NOT_RUN ? 'untested' : model.index.outcomes[code];
  const worst = tried[0];
  const why = outcome !== 'pass' && worst !== undefined ? await evidenceOf(worst, column) : null;
  return [
    title(id, column, outcome),
    el('p', { class: 'text' }, text),
    tried.length ? null : el('p', {}, planned ? 'No case exists yet.' : 'No run has a case of it.'),
    why && el('h3', {}, tried.length > 1 ? 'Worst of its cases' : 'Its case'),
    why && el('p', {}, caseLink(worst, column)),
    why && recordParts(why.newest, worst, column),
    why && historyLine(worst, column),
    why && attemptParts(why.newest),
    caseList(tried, column),
  ];
}

function title(name, column, outcome) {
  const { label, on, version } = model.index.columns[column];
  return [
    el('h2', { id: 'cell-title' }, name),
    el('p', { class: 'sub' }, badge(outcome), ` on `, el('b', {}, label), ` ${version} `, onBadge(on)),
  ];
}

const onBadge = (on) =>
  el(
    'span',
    { class: `on on-${onClass(on)}` },
    on.includes('stand-in') ? `${on}: not the vendor’s conformance` : on,
  );

function oldNote(item, column) {
  if (!isOld(item, column)) return null;
  const { id, started } = model.index.runs[runOf(item, column)];
  return el('p', { class: 'note' }, `Of an older run, ${id} of ${started}; the newest did not run it.`);
}

/** The fields of a record, what matters first. */
function recordParts(record, item, column) {
  if (!record) return [el('p', {}, 'No run of this column has the case.')];
  const facts = [
    ['blocked by', record.blocked_by],
    ['code', record.code],
    ['expected', record.expected],
    [record.expected ? 'because' : 'expectation', record.expectation],
    ['example', record.example],
    ['signature', record.signature],
    ['seconds', record.duration?.toPrecision(3)],
  ].filter(([, value]) => value);
  return [
    record.message ? el('pre', { class: 'message', dir: 'auto' }, record.message) : null,
    commands(record.reproduce, item, column),
    el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
  ].flat();
}

/** The line that runs a case alone, and the same under a debugger. */
function commands(reproduce, item, column) {
  if (!reproduce) return [];
  const option = model.index.runs[runOf(item, column)]?.debugOption;
  const [word, ...rest] = reproduce.split(' ');
  return [
    commandPart('reproduce', reproduce),
    option ? commandPart('under a debugger', [word, option, ...rest].join(' ')) : null,
  ];
}

function commandPart(name, command) {
  const line = el('code', { tabindex: 0 }, oneLine(command));
  const copy = el('button', { type: 'button', onclick: () => copyText(line, copy) }, 'Copy');
  return el('p', { class: 'command' }, el('span', {}, name), line, copy);
}

/** Copies what is seen, so that nothing hidden gets into a shell. */
async function copyText(line, button) {
  try {
    await navigator.clipboard.writeText(line.textContent);
  } catch {
    getSelection().selectAllChildren(line);
    document.execCommand('copy');
  }
  button.textContent = 'Copied';
}

/** The times that the case was run, where there were several, or a process died. */
function attemptParts(record) {
  const attempts = record?.attempts ?? [];
  if (!attempts.length) return [];
  return [el('h3', {}, 'Attempts'), ...attempts.map((a, place) => attemptPart(a, place, record))];
}

function attemptPart(attempt, place, record) {
  const { outcome, message, code, death } = attempt;
  const summary = [`attempt ${place + 1}: ${outcome}`, death?.how, death?.place].filter(Boolean);
  const outputs = Object.entries(death?.output ?? {});
  return el(
    'details',
    { open: place === 0 && record !== undefined },
    el('summary', {}, summary.join(' · ')),
    message && message !== record?.message ? el('pre', { dir: 'auto' }, message) : null,
    code ? el('p', {}, `code ${code}`) : null,
    death?.stack ? [el('h4', {}, 'stack'), el('pre', {}, death.stack)] : null,
    ...outputs.map(([name, text]) => (text ? [el('h4', {}, name), el('pre', {}, text)] : [])).flat(),
    death?.after ? el('p', {}, `the case before it in the process: ${death.after}`) : null,
  );
}

function requirementLinks(item, column) {
  const rows = model.index.requirementsOf[item];
  return rows.map((row) => {
    const { id, text } = model.index.requirements[row];
    const link = el('button', { type: 'button', class: 'link', onclick: () => openRequirement(row, column) }, id);
    return el('p', { class: 'text' }, link, ' ', text);
  });
}

const caseLink = (item, column) =>
  el(
    'button',
    { type: 'button', class: 'link', onclick: () => openCase(item, column) },
    model.index.cases[item],
  );

function caseList(items, column) {
  if (items.length < 2) return items.length ? [el('p', {}, caseLink(items[0], column))] : [];
  const more = items.length - CASES_LISTED;
  return [
    el('h3', {}, `All ${items.length} cases`),
    el(
      'ul',
      { class: 'cases' },
      ...items.slice(0, CASES_LISTED).map((item) =>
        el('li', {}, badge(outcomeOf(codeOf(item, column))), ' ', caseLink(item, column)),
      ),
    ),
    more > 0 ? el('p', {}, `and ${more} more`) : null,
  ];
}

/** A mark for each run, oldest first, and in words how long it has been so. */
function historyLine(item, column) {
  const { runs, versions } = model.index.columns[column];
  if (runs.length < 2) return [];
  const codes = historyOf(item, column);
  const from = Math.max(0, codes.length - HISTORY_SHOWN);
  const marks = [...codes.subarray(from)].map((code, at) => {
    const run = model.index.runs[runs[from + at]];
    const outcome = code === NOT_RUN ? 'not run' : model.index.outcomes[code];
    const told = `${run.started} · ${run.id} · ${versions[from + at]} · ${outcome}`;
    return el('span', { class: `o-${outcome.replace(' ', '-')}`, title: told }, GLYPHS.get(outcome));
  });
  const said = historyWords(item, column, codes);
  return [
    el('h3', {}, `History of ${runs.length} runs`),
    el('p', { class: 'sub' }, said),
    el('div', { class: 'history', role: 'img', 'aria-label': said }, ...marks),
    from ? el('p', {}, `the newest ${HISTORY_SHOWN} of them`) : null,
  ];
}

function historyWords(item, column, codes) {
  const { runs } = model.index.columns[column];
  const ran = [...codes.keys()].filter((run) => codes[run] !== NOT_RUN);
  if (!ran.length) return 'not run in any of them';
  const last = codes[ran.at(-1)];
  let since = ran.length - 1;
  while (since > 0 && codes[ran[since - 1]] === last) since--;
  const run = model.index.runs[runs[ran[since]]];
  const outcome = model.index.outcomes[last];
  const often = changes(item, column);
  const how = since ? `${outcome} since ${day(run.started)} (${run.id})` : `${outcome} throughout`;
  return `${how}; changed ${often} times in ${ran.length} runs`;
}

/** In what other ways it has failed. */
function earlierWays(ways, item, column) {
  const now = runOf(item, column);
  const earlier = ways.filter((way) => way.last !== now || way.count > 1);
  if (!earlier.length || model.index.columns[column].runs.length < 2) return [];
  return [
    el('h3', {}, 'Ways in which it did not pass'),
    ...earlier.map((way) => {
      const [first, last] = [way.first, way.last].map((run) => model.index.runs[run]);
      const runs = way.count === 1 ? 'in one run' : `in ${way.count} runs, first ${day(first.started)}`;
      return el(
        'details',
        {},
        el('summary', {}, badge(way.record.outcome), ` ${runs}, last ${day(last.started)} (${last.id})`),
        way.record.message ? el('pre', { dir: 'auto' }, way.record.message) : null,
        ...(way.record.attempts ?? []).map((attempt, place) => attemptPart(attempt, place)),
      );
    }),
  ];
}
