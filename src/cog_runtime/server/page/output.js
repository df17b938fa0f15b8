// Showing what a model answers. All of it is somebody else's text: it becomes text nodes and media elements, and
// never markup; a picture that is a document (SVG) is shown by <img>, which runs nothing.

import { append, bytes, copier, fill, framed, h } from './dom.js';

const LONGEST_TEXT = 200000;
const LONGEST_STRING = 200;
const MEDIA = [
  [/\.(png|jpe?g|gif|webp|avif|svg|bmp|ico)$/i, 'image'],
  [/\.(mp3|wav|ogg|oga|flac|m4a|aac|opus)$/i, 'audio'],
  [/\.(mp4|webm|mov|m4v|ogv)$/i, 'video'],
];
const EXTENSIONS = {
  'image/jpeg': 'jpg', 'image/svg+xml': 'svg', 'audio/mpeg': 'mp3', 'audio/x-wav': 'wav', 'video/quicktime': 'mov',
  'text/plain': 'txt', 'application/octet-stream': 'bin',
};

export class Output {
  constructor(place) {
    this.place = place;
    this.addresses = [];
  }

  // Begins a new output of this shape.
  begin(schema) {
    this.addresses.forEach((each) => URL.revokeObjectURL(each));
    Object.assign(this, { schema, addresses: [], shown: [], text: null, items: null, whole: '' });
    fill(this.place);
  }

  get joined() { return this.schema['x-cog-array-display'] === 'concatenate'; }

  // Shows one more item of what is an array in the end, or all of it.
  add(chunk) {
    this.shown.push(chunk);
    if (this.joined && typeof chunk === 'string') this.#write(chunk);
    else if (this.schema.type === 'array' || this.shown.length > 1) this.#item(chunk);
    else append(this.place, this.#node(chunk, this.schema));
  }

  // Shows an array as it is so far.
  sofar(value) {
    if (!Array.isArray(value)) return;
    value.slice(this.shown.length).forEach((chunk) => this.add(chunk));
  }

  // Shows the whole; what is there already stays.
  end(value) {
    const items = this.schema.type === 'array' && Array.isArray(value) ? value : [value];
    if (this.shown.length > items.length) this.begin(this.schema);
    if (value === null || value === undefined || (this.schema.type === 'array' && !items.length)) {
      if (!this.shown.length) fill(this.place, h('p', { class: 'quiet' }, 'The model returned nothing.'));
      return;
    }
    items.slice(this.shown.length).forEach((chunk) => this.add(chunk));
    if (this.joined) append(this.place, h('div', { class: 'tools' }, copier(() => this.whole, 'the text')));
  }

  #write(chunk) {
    if (!this.text) {
      this.text = document.createTextNode('');
      append(this.place, h('div', { class: 'prose' }, this.text));
    }
    this.whole += chunk;
    this.text.appendData(chunk);
  }

  #item(chunk) {
    if (!this.items) {
      this.items = h('ol', { class: 'items' });
      append(this.place, this.items);
    }
    append(this.items, h('li', {}, this.#node(chunk, this.schema.items || {})));
  }

  #node(value, schema) {
    if (value === null) return h('span', { class: 'quiet' }, 'nothing');
    if (typeof value === 'number' || typeof value === 'boolean') return h('p', { class: 'value' }, String(value));
    if (typeof value === 'string') return this.#string(value, schema);
    if (holdsFiles(value) && Array.isArray(value)) {
      return h('ol', { class: 'items' }, value.map((each) => h('li', {}, this.#node(each, schema.items || {}))));
    }
    if (holdsFiles(value)) {
      return h('dl', {}, Object.entries(value).map(([name, each]) => [
        h('dt', {}, name), h('dd', {}, this.#node(each, schema.properties?.[name] || {})),
      ]));
    }
    return framed(jsonView(value), copier(() => JSON.stringify(value, null, 2), 'the JSON'));
  }

  #string(value, schema) {
    if (value.startsWith('data:')) {
      const found = readDataUrl(value);
      if (found) return this.#file(found);
    }
    const address = schema.format === 'uri' && webAddress(value);
    if (address) return media(mediaOf(address.pathname), address.href, address.pathname.split('/').pop() || address.host);
    return h('div', { class: 'prose' }, value, h('div', { class: 'tools' }, copier(() => value, 'the text')));
  }

  #file({ type, content }) {
    const kind = type.split('/')[0];
    // What is no picture, sound or video is nothing that a browser could open as a document.
    const safe = ['image', 'audio', 'video'].includes(kind) ? type : 'application/octet-stream';
    const address = URL.createObjectURL(new Blob([content], { type: safe }));
    this.addresses.push(address);
    const extension = EXTENSIONS[type] || type.split('/')[1]?.split('+')[0] || 'bin';
    const name = `output.${this.addresses.length}.${extension}`;
    const text = kind === 'text' || type === 'application/json';
    return media(text ? 'text' : kind, address, name, `${type}, ${bytes(content.length)}`, text && content);
  }
}

function media(kind, address, name, about, content) {
  // What came with the answer is saved, what lies elsewhere is opened there.
  const target = about ? { download: name, 'aria-label': `Download ${name}` } : { target: '_blank', rel: 'noopener' };
  const link = h('a', { href: address, ...target }, about ? 'Download' : name);
  const caption = h('figcaption', {}, about && h('span', {}, about), link);
  const broken = (event) => event.target.replaceWith(h('p', { class: 'quiet' }, 'The browser cannot show this.'));
  if (kind === 'image') return h('figure', {}, h('img', { src: address, alt: name, onerror: broken }), caption);
  if (kind === 'audio') return h('figure', {}, h('audio', { src: address, controls: true }), caption);
  if (kind === 'video') {
    return h('figure', {}, h('video', { src: address, controls: true, playsinline: true }), caption);
  }
  if (kind === 'text') {
    const shown = new TextDecoder().decode(content.slice(0, LONGEST_TEXT));
    return h('figure', {}, h('pre', { tabindex: 0 }, shown), caption);
  }
  return h('figure', { class: 'plain' }, h('b', {}, name), caption);
}

const mediaOf = (path) => MEDIA.find(([pattern]) => pattern.test(path))?.[1] || 'file';

function webAddress(text) {
  try {
    const address = new URL(text);
    return ['http:', 'https:'].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

function readDataUrl(text) {
  const head = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[\w=."+-]+)*),/.exec(text);
  if (!head) return null;
  try {
    const body = text.slice(head[0].length);
    const raw = head[2].endsWith(';base64') ? atob(body) : unescape(body);
    return { type: head[1]?.toLowerCase() || 'text/plain', content: Uint8Array.from(raw, (each) => each.charCodeAt(0)) };
  } catch {
    return null;
  }
}

function holdsFiles(value) {
  if (typeof value === 'string') return value.startsWith('data:');
  return Boolean(value) && typeof value === 'object' && Object.values(value).some(holdsFiles);
}

// JSON with quiet colours; long strings are cut for the eye.
export function jsonView(value) {
  const pre = h('pre', { class: 'json', tabindex: 0 });
  const text = JSON.stringify(value, (_, each) => shorten(each), 2) ?? '';
  const pattern = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;
  let at = 0;
  for (const found of text.slice(0, LONGEST_TEXT).matchAll(pattern)) {
    const kind = found[1] ? (found[2] ? 'key' : 'string') : 'constant';
    const token = found[1] || found[0];
    append(pre, [text.slice(at, found.index), h('span', { class: kind }, token)]);
    at = found.index + token.length;
  }
  append(pre, text.length > LONGEST_TEXT ? ' …' : text.slice(at));
  return pre;
}

function shorten(value) {
  if (typeof value !== 'string' || !value.startsWith('data:') || value.length <= LONGEST_STRING) return value;
  return `${value.slice(0, 40)}… (${bytes(value.length)})`;
}

// Lines as a terminal shows them: what a progress bar has overwritten is not shown.
export function asTerminal(text) {
  return text.replaceAll('\r\n', '\n').split('\n').map((line) => line.split('\r').filter(Boolean).pop() || '').join('\n');
}

// The last percentage that a progress bar has printed; null without one.
export function progressOf(text) {
  const found = [...text.slice(-2000).matchAll(/(\d{1,3})%\|/g)].pop();
  return found ? Math.min(Number(found[1]), 100) : null;
}
