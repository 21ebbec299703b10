// The topology of each column's device group: a heat map of one field, src × dst.

const SHORT = {
  NATIVE: 'NAT', IMPORT: 'IMP', COPY: 'COPY', NONE: 'NONE',
  SAME_DIE: 'DIE', NVLINK_IF: 'NVL', PCIE_SAME_ROOT: 'PCIE', PCIE_CROSS_ROOT: 'PCIEX',
  HOST_STAGED: 'HOST', FABRIC: 'FAB', OTHER: 'OTHER', ISOLATED: 'ISO',
};

function topologyView() {
  const { fields, columns } = model.details;
  const field = fields.find(({ name }) => name === state.field) ?? fields[0];
  const choice = el(
    'select',
    { onchange: (event) => change({ field: event.target.value }) },
    ...fields.map(({ name }) => el('option', { value: name, selected: name === field.name }, name)),
  );
  const shown = shownColumns();
  return [
    el('h2', {}, 'Topology'),
    el('p', {}, 'Row src, column dst: how dst waits on semaphores and uses buffers of src, and at what cost. The stronger the colour, the further or costlier.'),
    el('label', {}, 'Field ', choice),
    legend(field),
    el('div', { class: 'maps' }, ...shown.map((column) => el('section', {}, ...heatMap(column, field, columns[column].topology)))),
  ];
}

function legend(field) {
  const names = Object.entries(field.names);
  if (!names.length) return el('p', { class: 'legend' }, '0 (free) to 15');
  const marks = names.map(([value, name]) => {
    const mark = el('span', { class: 'heat' }, field.kind === 'set' ? value : SHORT[name] ?? name);
    heat(mark, field, Number(value));
    return el('span', {}, mark, ` ${name}`);
  });
  return el('p', { class: 'legend' }, ...marks);
}

/** How strong a value's colour is, 0 to 1. */
function strength(field, value) {
  if (field.kind === 'mode') return value / 3;
  if (field.kind === 'link') return value / 7;
  if (field.kind === 'number') return value / 15;
  return value ? 0.3 : 0;
}

function heat(element, field, value) {
  element.style.setProperty('--heat', `${Math.round(strength(field, value) * 100)}%`);
}

function valueText(field, value) {
  const name = field.names[value];
  if (field.kind === 'set') return value ? `0x${value.toString(16)}` : '–';
  return name ? SHORT[name] ?? name : String(value);
}

function heatMap(column, field, topology) {
  const { label, on } = model.index.columns[column];
  const head = el('h3', {}, label, ' ', onBadge(on));
  if (topology.missing) return [head, el('p', {}, topology.missing)];
  const edge = el('output', { class: 'edge', role: 'status' }, 'Choose an edge to see its fields.');
  const count = topology.devices.length;
  const ordinals = [...Array(count).keys()];
  const table = el(
    'table',
    { class: 'heat-map', role: 'grid', 'aria-label': `${field.name} of ${label}` },
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'src \\ dst'), ...ordinals.map((dst) => el('th', { scope: 'col' }, dst)))),
    el('tbody', {}, ...ordinals.map((src) => heatRow(src, field, topology))),
  );
  listenToHeatMap(table, topology, edge);
  return [head, el('div', { class: 'wide' }, table), edge];
}

function heatRow(src, field, topology) {
  const values = topology.fields[field.name][src];
  const name = topology.devices[src];
  const head = el('th', { scope: 'row' }, `${src} ${name} (NUMA ${topology.numaNodes[src]})`);
  const cells = values.map((value, dst) => {
    const cell = el(
      'td',
      { class: 'heat', tabindex: src === 0 && dst === 0 ? 0 : -1, title: topology.edges[src][dst] },
      valueText(field, value),
    );
    heat(cell, field, value);
    return cell;
  });
  return el('tr', {}, head, ...cells);
}

/** An edge's fields on click, on hover (its title) and by the arrow keys. */
function listenToHeatMap(table, topology, edge) {
  const show = (cell) => {
    const [src, dst] = [cell.parentElement.sectionRowIndex, cell.cellIndex - 1];
    const fields = topology.edges[src][dst].split(' ').map((field) => el('li', {}, field));
    edge.replaceChildren(el('b', {}, `edge ${src} → ${dst}`), el('ul', {}, ...fields));
  };
  table.addEventListener('click', (event) => {
    const cell = event.target.closest('td');
    if (cell) show(cell);
  });
  table.addEventListener('keydown', (event) => {
    const cell = event.target.closest('td');
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!cell) return;
    if (event.key === 'Enter' || event.key === ' ') show(cell);
    else if (step) {
      const row = table.tBodies[0].rows[cell.parentElement.sectionRowIndex + step[0]];
      const next = row?.cells[cell.cellIndex + step[1]];
      if (next?.tagName !== 'TD') return;
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else return;
    event.preventDefault();
  });
}
