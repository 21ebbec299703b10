// What the rows are, which are shown, and in which order.

const model = {
  /** Sections, once they are there: index, now, history, details. */
  index: null,
  now: null,
  history: null,
  details: null,
  /** By requirement: its cases. */
  casesOf: [],
  /** By requirement and column: the code of its cell, NOT_RUN where it is untested. */
  cells: null,
  /** What the text box looks in: lower-cased ids, and of requirements their text. */
  caseTexts: [],
  requirementTexts: [],
};

async function loadModel() {
  const index = (model.index = await unpackedJson('index'));
  model.now = await unpacked('now');
  model.casesOf = index.requirements.map(() => []);
  index.requirementsOf.forEach((rows, item) => rows.forEach((row) => model.casesOf[row].push(item)));
  model.caseTexts = index.cases.map((id, item) =>
    [id, ...index.requirementsOf[item].map((row) => index.requirements[row].id)]
      .join(' ')
      .toLowerCase(),
  );
  model.requirementTexts = index.requirements.map((row) => `${row.id} ${row.text}`.toLowerCase());
  model.cells = requirementCells();
}

/** A case's code in a column, without the mark of an older run. */
function codeOf(item, column) {
  const byte = model.now[item * model.index.columns.length + column];
  return byte === NOT_RUN ? NOT_RUN : byte & ~OLD;
}

function isOld(item, column) {
  const byte = model.now[item * model.index.columns.length + column];
  return byte !== NOT_RUN && (byte & OLD) !== 0;
}

/** Outcomes are numbered so that the cell of a requirement is the least of its cases' codes. */
function requirementCells() {
  const width = model.index.columns.length;
  const cells = new Uint8Array(model.casesOf.length * width).fill(NOT_RUN);
  model.casesOf.forEach((items, row) => {
    for (const item of items)
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        cells[at] = Math.min(cells[at], codeOf(item, column));
      }
  });
  return cells;
}

const isCases = () => state.view === 'cases';
const rowCount = () => (isCases() ? model.index.cases : model.index.requirements).length;

/** The code of a cell of the view. */
function cellCode(row, column) {
  return isCases() ? codeOf(row, column) : model.cells[row * model.index.columns.length + column];
}

const outcomeOf = (code) =>
  code === NOT_RUN ? (isCases() ? 'not run' : 'untested') : model.index.outcomes[code];

/** The columns that are shown. */
function shownColumns() {
  const { columns } = model.index;
  const one = columns.findIndex((column) => column.label === state.driver);
  return one >= 0 ? [one] : columns.map((_, column) => column);
}

const areaOf = (id) => id.split('/', 1)[0];
const fileOf = (id) => id.split('::', 1)[0];
const isOfSuite = (id) => !state.suite || areaOf(id) === state.suite || fileOf(id) === state.suite;

/** The rows that the filter lets through, sorted. */
function filteredRows() {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = isCases() ? model.caseTexts : model.requirementTexts;
  const columns = shownColumns();
  const wanted = new Set(state.outcomes);
  const rows = [];
  for (let row = 0; row < rowCount(); row++) {
    if (!words.every((word) => texts[row].includes(word))) continue;
    if (wanted.size && !columns.some((c) => wanted.has(outcomeOf(cellCode(row, c))))) continue;
    if (state.suite && !isRowOfSuite(row)) continue;
    rows.push(row);
  }
  return sorted(rows, columns);
}

function isRowOfSuite(row) {
  const { cases } = model.index;
  return isCases() ? isOfSuite(cases[row]) : model.casesOf[row].some((i) => isOfSuite(cases[i]));
}

/** Worst first: what failed, be it as expected, before what did not, which stays in order. */
function sorted(rows, columns) {
  if (state.sort === 'contract') return rows;
  const key = new Float64Array(rowCount());
  for (const row of rows)
    key[row] = state.sort === 'unstable' ? -changesOfRow(row, columns) : badness(row, columns);
  return rows.sort((a, b) => key[a] - key[b] || a - b);
}

function badness(row, columns) {
  let worst = model.index.failed;
  for (const column of columns) worst = Math.min(worst, cellCode(row, column));
  return worst;
}

/** How many rows of the view fail a run in a column, whatever the filter is. */
function failing(column) {
  const known = (failing.known[state.view] ??= []);
  if (known[column] === undefined) {
    known[column] = 0;
    for (let row = 0; row < rowCount(); row++)
      if (cellCode(row, column) < model.index.unexpected) known[column]++;
  }
  return known[column];
}
failing.known = {};

function changesOfRow(row, columns) {
  if (!model.history) return 0;
  const items = isCases() ? [row] : model.casesOf[row];
  return Math.max(0, ...items.flatMap((item) => columns.map((column) => changes(item, column))));
}

/** A case's codes in a column, a byte a run, oldest first. */
function historyOf(item, column) {
  const { offset, runs } = model.index.columns[column];
  const start = offset + item * runs.length;
  return model.history.subarray(start, start + runs.length);
}

/** How often a case's verdict was another than in the run before. */
function changes(item, column) {
  let count = 0;
  let before = NOT_RUN;
  for (const code of historyOf(item, column)) {
    if (code === NOT_RUN) continue;
    if (before !== NOT_RUN && code !== before) count++;
    before = code;
  }
  return count;
}

/** How many of a requirement's cases have the outcome of its cell, and how many there are. */
function shareOf(row, column) {
  const code = cellCode(row, column);
  const items = model.casesOf[row].filter((item) => codeOf(item, column) !== NOT_RUN);
  return [items.filter((item) => codeOf(item, column) === code).length, items.length];
}
