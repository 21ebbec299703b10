// The table: only the rows in sight are in the document, and one cell of it is the tab stop.

const ROW = 30;
const SPARE = 6;
const grid = { rows: [], columns: [], row: 0, column: 0, painted: '' };

/** Applies the filter anew. */
function refresh() {
  grid.rows = filteredRows();
  grid.columns = shownColumns();
  grid.row = Math.min(grid.row, Math.max(0, grid.rows.length - 1));
  grid.column = Math.min(grid.column, Math.max(0, grid.columns.length - 1));
  const what = isCases() ? 'cases' : 'requirements';
  $('count').textContent = `${grid.rows.length} of ${rowCount()} ${what}`;
  $('table').setAttribute('aria-rowcount', grid.rows.length + 1);
  $('table').setAttribute('aria-colcount', grid.columns.length + 1);
  $('table').style.setProperty('--columns', grid.columns.length);
  paintHead();
  paint(true);
}

function paintHead() {
  const corner = el(
    'th',
    { scope: 'col', 'aria-colindex': 1 },
    isCases() ? 'Case' : 'Requirement',
  );
  const heads = grid.columns.map((column, place) => columnHead(column, place));
  $('head').replaceChildren(corner, ...heads);
}

/** A column's head: a button that opens what is known of the driver. */
function columnHead(column, place) {
  const facts = model.index.columns[column];
  const remarks = [facts.on, facts.isCoreOnly ? 'core only' : null].filter(Boolean).join(', ');
  const run = model.index.runs[facts.runs.at(-1)];
  const title = [
    facts.label,
    `on ${facts.on}${facts.on.includes('stand-in') ? ': not the vendor’s conformance' : ''}`,
    `${facts.version} · ${facts.devices}`,
    `${facts.runs.length} runs, newest ${run.started}${run.incomplete ? ' (incomplete)' : ''}`,
  ].join('\n');
  const button = el(
    'button',
    { type: 'button', title, onclick: () => openColumn(column) },
    el('b', {}, facts.label),
    el('span', { class: `on on-${onClass(facts.on)}` }, remarks),
    el('span', { class: 'failing' }, failing(column) ? `${failing(column)} failing` : null),
    facts.status === 'available' && !run.incomplete
      ? null
      : el('span', { class: 'warn' }, run.incomplete ? 'incomplete' : facts.status),
  );
  const kind = facts.on.includes('stand-in') ? 'stand-in' : null;
  return el('th', { scope: 'col', 'aria-colindex': place + 2, class: kind }, button);
}

const onClass = (on) => (on.includes('stand-in') ? 'stand-in' : on.split(',')[0]);

/** Puts the rows in sight into the document; all of them to be printed. */
function paint(force, all = false) {
  const box = $('grid');
  const first = all ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
  const shown = Math.ceil((box.clientHeight || 800) / ROW) + 2 * SPARE;
  const end = all ? grid.rows.length : Math.min(grid.rows.length, first + shown);
  const key = `${first}:${end}`;
  if (!force && key === grid.painted) return;
  grid.painted = key;
  const body = $('rows');
  const hadFocus = body.contains(document.activeElement) || document.activeElement === box;
  const isIn = grid.row >= first && grid.row < end;
  const tabRow = isIn ? grid.row : Math.min(end - 1, first + SPARE);
  const rows = [];
  for (let place = first; place < end; place++) rows.push(rowElement(place, place === tabRow));
  body.replaceChildren(spacer(first), ...rows, spacer(grid.rows.length - end));
  if (hadFocus) (isIn ? cellElement() : box).focus({ preventScroll: true });
}

function spacer(rows) {
  const row = el('tr', { 'aria-hidden': 'true', class: 'spacer' });
  row.style.height = `${rows * ROW}px`;
  return row;
}

function rowElement(place, hasTabStop) {
  const row = grid.rows[place];
  const cells = grid.columns.map((column, at) =>
    tableCell(row, column, at, hasTabStop && at === grid.column),
  );
  return el('tr', { 'aria-rowindex': place + 2, 'data-place': place }, rowHead(row), ...cells);
}

function rowHead(row) {
  const { cases, requirements } = model.index;
  if (isCases()) {
    const [file, test] = oneLine(cases[row]).split('::', 2);
    const parts = test === undefined ? [file] : [el('i', {}, `${file}::`), test];
    return el('th', { scope: 'row', title: cases[row] }, ...parts);
  }
  const { id, text } = requirements[row];
  return el('th', { scope: 'row', title: `${id}: ${text}` }, el('b', {}, id), ' ', text);
}

function tableCell(row, column, at, isTabStop) {
  const code = cellCode(row, column);
  const outcome = outcomeOf(code);
  const [glyph, said, isMarked] = isCases() ? caseMark(row, column) : requirementMark(row, column);
  const kind = model.index.columns[column].on.includes('stand-in') ? ' stand-in' : '';
  return el(
    'td',
    {
      class: `o-${outcome.replace(' ', '-')}${kind}${isMarked ? ' old' : ''}`,
      'aria-colindex': at + 2,
      'aria-label': said,
      tabindex: isTabStop ? 0 : -1,
    },
    ...glyph,
  );
}

function caseMark(row, column) {
  const outcome = outcomeOf(codeOf(row, column));
  const old = isOld(row, column);
  const often = model.history ? changes(row, column) : 0;
  const sup = often > 1 ? el('sup', {}, `${often}×`) : null;
  const said = `${outcome}${old ? ', of an older run' : ''}${sup ? `, changed ${often} times` : ''}`;
  return [[GLYPHS.get(outcome), old ? '°' : null, sup], said, old];
}

function requirementMark(row, column) {
  const outcome = outcomeOf(cellCode(row, column));
  if (outcome === 'untested') return [[GLYPHS.get(outcome)], outcome, false];
  const [with_, of] = shareOf(row, column);
  const share = with_ === of ? `${of}` : `${with_}/${of}`;
  const said = `${outcome}, ${with_} of ${of} cases`;
  return [[`${GLYPHS.get(outcome)} `, el('small', {}, share)], said, false];
}

const cellElement = () =>
  document.querySelector(`tr[data-place="${grid.row}"]`)?.children[grid.column + 1] ?? $('grid');

/** Goes to a cell, and scrolls it into sight. */
function moveTo(row, column, isFocused) {
  grid.row = Math.max(0, Math.min(grid.rows.length - 1, row));
  grid.column = Math.max(0, Math.min(grid.columns.length - 1, column));
  const box = $('grid');
  const head = $('head').offsetHeight;
  const top = grid.row * ROW;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + ROW + head > box.scrollTop + box.clientHeight)
    box.scrollTop = top + ROW + head - box.clientHeight;
  paint(true);
  if (isFocused) cellElement().focus();
}

function onGridKey(event) {
  if (!event.target.closest('tbody') && event.target !== $('grid')) return;
  const page = Math.max(1, Math.floor(($('grid').clientHeight - $('head').offsetHeight) / ROW) - 1);
  const steps = {
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageDown: [page, 0],
    PageUp: [-page, 0],
  };
  const step = steps[event.key];
  if (step) moveTo(grid.row + step[0], grid.column + step[1], true);
  else if (event.key === 'Home') moveTo(event.ctrlKey ? 0 : grid.row, 0, true);
  else if (event.key === 'End') moveTo(event.ctrlKey ? Infinity : grid.row, Infinity, true);
  else if (event.key === 'Enter' || event.key === ' ') openFrom(event.target);
  else return;
  event.preventDefault();
}

/** Opens what is behind the cell that holds an element. */
function openFrom(element) {
  const cell = element.closest('tbody td');
  if (!cell) return;
  const place = Number(cell.parentElement.dataset.place);
  moveTo(place, cell.cellIndex - 1, true);
  openRow(grid.rows[place], grid.columns[cell.cellIndex - 1]);
}

function listenToGrid() {
  const box = $('grid');
  let isWaiting = false;
  box.addEventListener(
    'scroll',
    () => {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(() => {
        isWaiting = false;
        paint(false);
      });
    },
    { passive: true },
  );
  new ResizeObserver(() => paint(true)).observe(box);
  box.addEventListener('keydown', onGridKey);
  $('rows').addEventListener('click', (event) => openFrom(event.target));
  addEventListener('beforeprint', () => paint(true, true));
  addEventListener('afterprint', () => paint(true));
}
