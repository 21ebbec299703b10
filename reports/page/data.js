'use strict';
// What is in the page's sections, and the only ways in which any of it gets into the document.

const NOT_RUN = 255;
const OLD = 64;

/** The bytes of a section. */
async function unpacked(id) {
  const text = document.getElementById(id).textContent.trim();
  const packed = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(text)
    : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const unpackedJson = async (id) => JSON.parse(new TextDecoder().decode(await unpacked(id)));

/** Text with control characters, and those that hide or turn text around, by their numbers. */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]|\p{Cs}/gu;
const visible = (text) =>
  String(text).replace(
    HIDDEN,
    (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
const oneLine = (text) => visible(text).replace(/\s+/g, ' ');

/**
 * An element. Its texts, be they children or attributes, are made visible; `on…` are handlers,
 * and null children are left out.
 */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : visible(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

const $ = (id) => document.getElementById(id);

const GLYPHS = new Map(
  Object.entries({
    pass: '✓',
    adapter: 'a',
    fail: '✗',
    error: '!',
    crash: 'C',
    timeout: 'T',
    'unexpected-pass': '≠',
    flaky: '~',
    blocked: 'B',
    'expected-fail': '≈',
    unsupported: '·',
    skip: '–',
    untested: '?',
    'not run': '',
  }),
);

/** An outcome's name with its glyph. */
const badge = (outcome) =>
  el('span', { class: `badge o-${outcome.replace(' ', '-')}` }, `${GLYPHS.get(outcome)} ${outcome}`);

const day = (time) => String(time).slice(0, 10);
