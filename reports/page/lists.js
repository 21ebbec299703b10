// Benchmarks side by side, the runs with what could not be read, and what is known of a driver.

function benchmarksView() {
  const shown = shownColumns();
  const measured = model.details.columns.map(({ benchmarks }) => benchmarks);
  const names = [...new Set(shown.flatMap((column) => Object.keys(measured[column])))].sort();
  if (!names.length)
    return [el('h2', {}, 'Benchmarks'), el('p', {}, 'No run has benchmarks. pytest suites/benchmarks makes them.')];
  const heads = shown.map((column) => {
    const { label, on } = model.index.columns[column];
    return el('th', { scope: 'col' }, label, el('br'), el('span', { class: `on on-${onClass(on)}` }, on));
  });
  const rows = names.map((name) => {
    const medians = shown.map((column) => measured[column][name]?.median).filter((m) => m > 0);
    const best = Math.min(...medians);
    const cells = shown.map((column) => benchmarkCell(measured[column][name], best));
    return el('tr', {}, el('th', { scope: 'row' }, name), ...cells);
  });
  return [
    el('h2', {}, 'Benchmarks'),
    el('p', {}, 'Median ± the range between the quartiles, and how many times the fastest. Of different machines where the runs are.'),
    el('div', { class: 'wide' }, el('table', { class: 'numbers' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'benchmark'), ...heads)),
      el('tbody', {}, ...rows))),
  ];
}

function benchmarkCell(measured, best) {
  if (!measured) return el('td', {}, '–');
  const { median, iqr, rounds, bytes } = measured;
  const ratio = median / best;
  const cell = el(
    'td',
    { class: 'heat', title: `${rounds} rounds` },
    `${quantity(median, TIMES)} ± ${quantity(iqr, TIMES)}`,
    el('br'),
    el('small', {}, `${ratio.toFixed(ratio < 10 ? 1 : 0)}×${bytes && median ? `, ${quantity(bytes / median, SPEEDS)}` : ''}`),
  );
  cell.style.setProperty('--heat', `${Math.round(Math.min(1, Math.log10(ratio || 1)) * 100)}%`);
  return cell;
}

/** Units, the greatest first, and what they are worth. */
const TIMES = [['s', 1], ['ms', 1e-3], ['µs', 1e-6], ['ns', 1e-9]];
const SPEEDS = [['GB/s', 1e9], ['MB/s', 1e6], ['kB/s', 1e3]];

/** A value in the greatest unit of which it has one. */
function quantity(value, units) {
  const [unit, worth] = units.find(([, least]) => value >= least) ?? units.at(-1);
  return `${(value / worth).toLocaleString('en', { maximumSignificantDigits: 3 })} ${unit}`;
}

function runsView() {
  const { runs, problems, duplicates, leftOut, requirements } = model.index;
  const newestFirst = runs.map((_, place) => runs.length - 1 - place);
  const untested = requirements.filter((_, row) => model.casesOf[row].length === 0);
  return [
    pathList('Could not be read', problems),
    pathList('Left out: there twice', duplicates),
    lines('Left out', leftOut),
    lines('Untested requirements', untested.map(({ id, text, planned }) => `${id}${planned ? ' (planned)' : ''}: ${text}`)),
    el('h2', {}, `${runs.length} runs, newest first`),
    el('ul', { class: 'runs' }, ...newestFirst.map((place) => runPart(runs[place], place))),
  ].flat();
}

const pathList = (name, pairs) => lines(name, pairs.map(([path, why]) => `${path}: ${why}`));

function lines(name, texts) {
  if (!texts.length) return [];
  return [el('h2', {}, `${name} (${texts.length})`), el('ul', {}, ...texts.map((text) => el('li', {}, text)))];
}

function runPart(run, place) {
  const labels = model.index.columns.filter(({ runs }) => runs.includes(place)).map(({ label }) => label);
  const facts = [
    ['finished', run.finished],
    ['exit status', run.exitStatus],
    ['suite', run.suite],
    ['machine', `${run.platform}, Python ${run.python}`],
    ['order', run.seed === null ? 'as written' : `seed ${run.seed}`],
    ['validation', run.validation ? "with the backends' own checks" : ''],
    ['command', run.command],
    ['file', run.path],
  ].filter(([, value]) => value !== null && value !== '');
  return el(
    'li',
    {},
    el('details', { open: run.incomplete || run.faults.length ? true : null },
      el('summary', {}, `${run.started} `, el('b', {}, labels.join(', ')), ` ${run.id} `, run.incomplete ? el('span', { class: 'warn' }, 'incomplete') : null),
      run.incomplete ? el('p', { class: 'note' }, run.incomplete) : null,
      ...run.faults.map((fault) => el('p', { class: 'note' }, `expectations: ${fault}`)),
      el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))),
  );
}

/** What is known of a column's driver, for a dialog. */
async function columnParts(column) {
  model.details ??= await unpackedJson('details');
  const { label, on, runs } = model.index.columns[column];
  const counts = new Map();
  for (let item = 0; item < model.index.cases.length; item++) {
    const code = codeOf(item, column);
    if (code !== NOT_RUN) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const badges = [...counts.entries()].sort(([a], [b]) => a - b);
  const newest = model.index.runs[runs.at(-1)];
  return [
    el('h2', { id: 'cell-title' }, label),
    el('p', { class: 'sub' }, onBadge(on), ` ${runs.length} runs, newest ${newest.started} (${newest.id})`),
    newest.incomplete ? el('p', { class: 'note' }, `incomplete: ${newest.incomplete}`) : null,
    el('p', {}, ...badges.flatMap(([code, count]) => [badge(model.index.outcomes[code]), ` ${count}  `])),
    el('button', { type: 'button', onclick: () => only(column) }, 'Show only this driver'),
    el('button', { type: 'button', onclick: () => only(column, 'topology') }, 'Its topology'),
    el('dl', {}, ...model.details.columns[column].facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
  ];
}

function only(column, view = state.view) {
  $('cell').close();
  change({ driver: model.index.columns[column].label, view });
}
