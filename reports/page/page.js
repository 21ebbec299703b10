// The state of the page, which is its address's as well, and the controls that change it.

const VIEWS = ['requirements', 'cases', 'topology', 'benchmarks', 'runs'];
const SORTS = { worst: 'worst first', contract: 'in order', unstable: 'most changes first' };
const TEXT_MAX = 200;
const ADDRESS_PAUSE = 250;

const START = {
  view: 'requirements',
  suite: '',
  driver: '',
  sort: 'worst',
  text: '',
  outcomes: [],
  field: 'wait_mode',
  /** The open cell: { kind: 'case' | 'requirement' | 'column', name, column }, or null. */
  open: null,
};
let state = { ...START };

/** The state that an address names; what it names that is not there is left out. */
function stateOf(address) {
  const given = new URLSearchParams(address.slice(1));
  const { columns } = model.index;
  const known = (name, values) => (values.includes(given.get(name)) ? given.get(name) : undefined);
  const labels = columns.map(({ label }) => label);
  const outcomes = outcomeNames();
  const read = {
    view: known('view', VIEWS),
    suite: known('suite', suites()),
    driver: known('driver', labels),
    sort: known('sort', Object.keys(SORTS)),
    text: given.get('text')?.replace(/[\r\n]/g, '').slice(0, TEXT_MAX),
    outcomes: (given.get('outcomes') ?? '').split('.').filter((name) => outcomes.includes(name)),
    field: known('field', model.index.fields),
    open: openIn(given, labels),
  };
  return { ...START, ...Object.fromEntries(Object.entries(read).filter(([, v]) => v !== undefined)) };
}

function openIn(given, labels) {
  const column = labels.indexOf(given.get('column'));
  if (column < 0) return null;
  if (given.has('case')) {
    const item = model.index.cases.indexOf(given.get('case'));
    return item < 0 ? null : { kind: 'case', row: item, column };
  }
  if (given.has('requirement')) {
    const row = model.index.requirements.findIndex(({ id }) => id === given.get('requirement'));
    return row < 0 ? null : { kind: 'requirement', row, column };
  }
  return { kind: 'column', row: -1, column };
}

function addressOf() {
  const given = new URLSearchParams();
  for (const name of ['view', 'suite', 'driver', 'sort', 'text', 'field'])
    if (state[name] !== START[name]) given.set(name, state[name]);
  if (state.outcomes.length) given.set('outcomes', state.outcomes.join('.'));
  if (state.open) {
    const { kind, row, column } = state.open;
    given.set('column', model.index.columns[column].label);
    if (kind === 'case') given.set('case', model.index.cases[row]);
    if (kind === 'requirement') given.set('requirement', model.index.requirements[row].id);
  }
  return `#${given}`;
}

/** Keeps the address after a pause: browsers let a page change it only so often. */
function keepAddress() {
  clearTimeout(keepAddress.timer);
  keepAddress.timer = setTimeout(keepAddressNow, ADDRESS_PAUSE);
}

function keepAddressNow() {
  clearTimeout(keepAddress.timer);
  history.replaceState(null, '', addressOf());
}

/** Changes the state to one that the browser's Back leads back from. */
function goTo(some) {
  keepAddressNow();
  state = { ...state, ...some };
  history.pushState(null, '', addressOf());
}

/** Changes some of the state, and shows it. */
async function change(some) {
  if ('view' in some && some.view !== state.view) goTo(some);
  else {
    state = { ...state, ...some };
    keepAddress();
  }
  await show();
}

async function show() {
  const isGrid = state.view === 'requirements' || state.view === 'cases';
  $('grid').hidden = !isGrid;
  $('list').hidden = isGrid;
  for (const control of document.querySelectorAll('#filter > [data-of=grid]'))
    control.hidden = !isGrid;
  $('filter').hidden = state.view === 'runs';
  showControls();
  if (isGrid) {
    if (state.sort === 'unstable') model.history ??= await unpacked('history');
    refresh();
    return;
  }
  model.details ??= await unpackedJson('details');
  const view = { topology: topologyView, benchmarks: benchmarksView, runs: runsView }[state.view];
  $('list').replaceChildren(...view());
}

const openCell = (kind, row, column) => {
  goTo({ open: { kind, row, column } });
  return showOpen();
};
const openCase = (item, column) => openCell('case', item, column);
const openRequirement = (row, column) => openCell('requirement', row, column);
const openColumn = (column) => openCell('column', -1, column);
const openRow = (row, column) => (isCases() ? openCase : openRequirement)(row, column);

/** Shows the open cell, or none. */
async function showOpen() {
  if (!state.open) {
    if ($('cell').open) $('cell').close();
    return;
  }
  const { open } = state;
  const parts = { case: caseParts, requirement: requirementParts, column: (_, c) => columnParts(c) };
  const content = await parts[open.kind](open.row, open.column);
  if (state.open === open) showDialog(content);
}

const outcomeNames = () => [...model.index.outcomes, 'untested', 'not run'];

function suites() {
  suites.known ??= [
    ...new Set(model.index.cases.flatMap((id) => [areaOf(id), fileOf(id)])),
  ].sort();
  return suites.known;
}

/** Controls as the state has them. */
function showControls() {
  for (const name of ['text', 'suite', 'driver', 'sort'])
    if ($(name).value !== state[name]) $(name).value = state[name];
  for (const button of $('outcomes').children)
    button.setAttribute('aria-pressed', state.outcomes.includes(button.dataset.outcome));
  for (const button of $('views').children)
    if (button.dataset.view === state.view) button.setAttribute('aria-current', 'page');
    else button.removeAttribute('aria-current');
}

function makeControls() {
  const option = (value, text) => el('option', { value }, text);
  const { columns } = model.index;
  $('suite').append(option('', 'all'), ...suites().map((name) => option(name, name)));
  $('driver').append(option('', 'all'), ...columns.map(({ label }) => option(label, label)));
  $('sort').append(...Object.entries(SORTS).map(([value, text]) => option(value, text)));
  for (const name of ['suite', 'driver', 'sort'])
    $(name).addEventListener('change', (event) => change({ [name]: event.target.value }));
  $('text').addEventListener('input', (event) => change({ text: event.target.value.slice(0, TEXT_MAX) }));
  $('filter').addEventListener('submit', (event) => event.preventDefault());
  $('views').append(
    ...VIEWS.map((view) =>
      el('button', { type: 'button', 'data-view': view, onclick: () => change({ view }) }, view),
    ),
  );
  $('outcomes').append(...presentOutcomes().map(outcomeButton));
  $('theme').addEventListener('click', switchTheme);
  addEventListener('keydown', (event) => {
    const isTyping = /^(INPUT|SELECT)$/.test(document.activeElement.tagName);
    if (event.key !== '/' || isTyping || $('cell').open) return;
    event.preventDefault();
    $('text').focus();
  });
}

function outcomeButton(outcome) {
  const toggle = () => {
    const others = state.outcomes.filter((name) => name !== outcome);
    const isOn = others.length < state.outcomes.length;
    change({ outcomes: isOn ? others : [...others, outcome] });
  };
  return el(
    'button',
    { type: 'button', class: `o-${outcome.replace(' ', '-')}`, 'data-outcome': outcome, 'aria-pressed': 'false', onclick: toggle },
    `${GLYPHS.get(outcome)} ${outcome}`,
  );
}

/** The outcomes that any cell has, worst first. */
function presentOutcomes() {
  const codes = new Set([...model.now].map((byte) => (byte === NOT_RUN ? byte : byte & ~OLD)));
  const found = model.index.outcomes.filter((_, code) => codes.has(code));
  const isUntested = model.cells.includes(NOT_RUN);
  return [...found, isUntested ? 'untested' : null, codes.has(NOT_RUN) ? 'not run' : null].filter(Boolean);
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
}

/** What is to be known before any cell is believed. */
function showFacts() {
  const { runs, columns, cases, problems, duplicates, leftOut, requirements } = model.index;
  const days = runs.map(({ started }) => day(started)).sort();
  const span = [...new Set([days[0], days.at(-1)])].join(' to ');
  const untested = model.casesOf.filter((items) => items.length === 0).length;
  $('facts').textContent = oneLine(
    `${columns.length} columns, ${cases.length} cases, ${requirements.length} requirements (${untested} untested), ${runs.length} runs, ${span}`,
  );
  const incomplete = runs.filter((run) => run.incomplete).length;
  const said = [
    problems.length ? `${problems.length} files could not be read` : null,
    incomplete ? `${incomplete} runs are incomplete` : null,
    duplicates.length ? `${duplicates.length} files were there twice` : null,
    ...leftOut.map((what) => `left out: ${what}`),
  ].filter(Boolean);
  if (!said.length) return;
  const more = el('button', { type: 'button', class: 'link', onclick: () => change({ view: 'runs' }) }, 'see runs');
  $('notice').replaceChildren(el('span', {}, `${said.join('; ')} `), more);
  $('notice').hidden = false;
}

async function followAddress() {
  state = stateOf(location.hash);
  await show();
  await showOpen();
}

async function main() {
  await loadModel();
  makeControls();
  showFacts();
  listenToGrid();
  $('cell').addEventListener('close', () => {
    if (!state.open) return;
    state.open = null;
    keepAddressNow();
  });
  addEventListener('hashchange', followAddress);
  await followAddress();
  model.history ??= await unpacked('history');
  paint(true);
  requestAnimationFrame(() => (document.documentElement.dataset.ready = 'yes'));
}

main().catch((error) => {
  $('count').textContent = `This page needs a browser of 2024 or later: ${error}`;
  document.documentElement.dataset.ready = 'failed';
});
