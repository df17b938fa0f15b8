// Form controls made from schemas. A control has `node`, `input` (what a label points at), `read()` for the value,
// where undefined means "leave it out", and `shown()` for the value as programs would write it.

import { bytes, fill, h } from './dom.js';
import { FileValue, SecretValue } from './request.js';
import { about, isFile, isSecret, words } from './schema.js';

const WIDEST_SLIDER = 10000;
let last = 0;

export class NotReadable extends Error {}

// A labelled control with its description and its error.
export function makeField(field, changed) {
  const id = `field-${(last += 1)}`;
  const { schema } = field;
  const control = makeControl(schema, { ...field, id, changed });
  const error = h('p', { class: 'error', id: `${id}-error`, hidden: true });
  const text = about(schema) && h('p', { class: 'about', id: `${id}-about` }, about(schema));
  const optional = !field.required && (schema.default ?? null) === null;
  const label = h(control.group ? 'span' : 'label', control.group ? { id: `${id}-label` } : { for: id }, field.title);
  const hint = [optional && 'optional', schema.deprecated && 'deprecated', words(schema)];
  const node = h('div', { class: `field ${control.kind || ''}`, 'data-name': field.name },
    h('div', { class: 'name' }, label, h('span', { class: 'hint' }, hint.filter(Boolean).join(' · '))),
    text, control.node, error);
  if (control.group) {
    control.node.setAttribute('role', 'group');
    control.node.setAttribute('aria-labelledby', `${id}-label`);
  }
  const described = [text && `${id}-about`, `${id}-error`].filter(Boolean).join(' ');
  control.input.setAttribute('aria-describedby', described);
  if (field.required) control.input.setAttribute('aria-required', 'true');
  return {
    name: field.name,
    node,
    read: control.read,
    shown: control.shown || control.read,
    focus: () => control.input.focus(),
    complain(text) {
      error.textContent = text || '';
      error.hidden = !text;
      node.classList.toggle('wrong', Boolean(text));
      if (text) control.input.setAttribute('aria-invalid', 'true');
      else control.input.removeAttribute('aria-invalid');
    },
  };
}

function makeControl(schema, context) {
  if (schema.enum || (schema.type === 'boolean' && schema.nullable)) return choice(schema, context);
  if (schema.type === 'boolean') return toggle(schema, context);
  if (schema.type === 'integer' || schema.type === 'number') return number(schema, context);
  if (schema.type === 'array') return list(schema, context);
  if (isFile(schema)) return file(schema, context);
  if (isSecret(schema)) return secret(schema, context);
  return schema.type === 'string' ? text(schema, context) : json(schema, context);
}

const start = (schema) => schema.default ?? undefined;

function choice(schema, { id, required, changed }) {
  const values = (schema.enum || [true, false]).filter((each) => each !== null);
  const begin = values.findIndex((each) => each === start(schema));
  const named = (value) => (typeof value === 'boolean' ? (value ? 'Yes' : 'No') : String(value));
  const nothing = begin < 0 && h('option', { value: '' }, required ? 'Choose…' : '—');
  const input = h('select', { id, onchange: changed }, nothing,
    values.map((value, index) => h('option', { value: index, selected: index === begin }, named(value))));
  return { input, node: input, read: () => (input.value === '' ? undefined : values[Number(input.value)]) };
}

function toggle(schema, { id, changed }) {
  const input = h('input', { type: 'checkbox', role: 'switch', id, checked: start(schema) === true, onchange: changed });
  return { input, node: input, read: () => input.checked, kind: 'toggle' };
}

function number(schema, { id, title, changed }) {
  const { minimum, maximum } = schema;
  const whole = schema.type === 'integer';
  const bounded = minimum !== undefined && maximum !== undefined && maximum > minimum;
  const input = h('input', {
    type: 'number', id, min: minimum, max: maximum, step: whole ? 1 : 'any', value: start(schema),
    inputmode: whole ? 'numeric' : 'decimal', autocomplete: 'off',
  });
  input.oninput = changed;
  const read = () => {
    if (input.validity.badInput) throw new NotReadable('This is not a number');
    return input.value === '' ? undefined : Number(input.value);
  };
  if (!bounded || (whole && maximum - minimum > WIDEST_SLIDER)) return { input, node: input, read };
  const slider = h('input', {
    type: 'range', min: minimum, max: maximum, step: whole ? 1 : stepOf(maximum - minimum), value: start(schema) ?? minimum,
    'aria-label': `${title}, slider`,
  });
  slider.oninput = () => { input.value = slider.value; changed(); };
  input.oninput = () => { slider.value = input.value; changed(); };
  return { input, node: h('div', { class: 'slider' }, slider, input), read };
}

// About a hundred steps, each a round number.
function stepOf(range) {
  const power = 10 ** Math.floor(Math.log10(range / 100));
  const step = [1, 2, 5, 10].find((each) => each * power >= range / 100.5) * power;
  return Number(step.toPrecision(1));
}

function text(schema, { id, required, changed }) {
  const input = h('textarea', { id, rows: 1, oninput: () => { grow(input); changed(); } });
  input.value = start(schema) ?? '';
  grow(input);
  const mayBeEmpty = typeof schema.default === 'string' && !required;
  return { input, node: input, read: () => (input.value || mayBeEmpty ? input.value : undefined) };
}

function grow(input) {
  const lines = input.value.split('\n').reduce((sum, line) => sum + 1 + Math.floor(line.length / 60), 0);
  input.rows = Math.min(Math.max(lines, 1), 14);
}

function secret(schema, { id, name, changed }) {
  const input = h('input', {
    type: 'password', id, autocomplete: 'new-password', spellcheck: 'false', oninput: changed,
  });
  const read = () => input.value || undefined;
  return { input, node: input, read, shown: () => (input.value ? new SecretValue(name) : undefined) };
}

function json(schema, { id, changed }) {
  const placeholder = schema.type === 'object' ? '{"key": "value"}' : 'JSON';
  const input = h('textarea', { id, class: 'code', placeholder, spellcheck: 'false', oninput: changed });
  if (start(schema) !== undefined) input.value = JSON.stringify(start(schema), null, 2);
  input.rows = Math.min(Math.max(input.value.split('\n').length, 2), 14);
  const takesText = (schema.anyOf || []).some((each) => each.type === 'string');
  const read = () => {
    if (!input.value.trim()) return undefined;
    try {
      return JSON.parse(input.value);
    } catch (problem) {
      if (takesText) return input.value;
      throw new NotReadable(`This is not JSON: ${problem.message}`);
    }
  };
  return { input, node: input, read };
}

function file(schema, { id, title, changed }) {
  const accept = schema['x-cog-accept'];
  let held; // { file, data }
  const input = h('input', { type: 'file', id, accept, class: 'hidden' });
  const address = h('input', {
    type: 'url', placeholder: 'or an address: https://…', 'aria-label': `${title}, as an address`, oninput: changed,
    value: typeof schema.default === 'string' ? schema.default : undefined,
  });
  const drop = h('label', { class: 'drop', for: id },
    h('span', {}, 'Drop a file here, or ', h('u', {}, 'choose one'), accept && h('small', {}, ` ${accept}`)));
  const chosen = h('div', { class: 'chosen', hidden: true });
  const node = h('div', { class: 'file' }, input, drop, chosen, address);
  const take = async (taken) => {
    if (!taken) return;
    held = { file: taken, data: await dataUrl(taken) };
    show(true);
  };
  const show = (focus) => {
    drop.hidden = address.hidden = Boolean(held);
    chosen.hidden = !held;
    fill(chosen, held && [preview(held.file),
      h('span', { class: 'what' }, h('b', {}, held.file.name), h('small', {}, bytes(held.file.size))),
      h('button', { type: 'button', class: 'small', onclick: remove, 'aria-label': `Remove ${held.file.name}` }, 'Remove')]);
    if (focus) (held ? chosen.querySelector('button') : input).focus();
    changed();
  };
  const remove = () => { held = undefined; input.value = ''; show(true); };
  input.onchange = () => take(input.files[0]);
  dropping(node, (files) => take(files[0]));
  return {
    input,
    node,
    take,
    read: () => held?.data || address.value || undefined,
    shown: () => (held ? new FileValue(held.file.name, typeOf(held.file)) : address.value || undefined),
  };
}

function dropping(node, take) {
  node.ondragover = (event) => { event.preventDefault(); node.classList.add('over'); };
  node.ondragleave = (event) => { if (!node.contains(event.relatedTarget)) node.classList.remove('over'); };
  node.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation();
    node.classList.remove('over');
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
  };
  node.onpaste = (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); };
}

const typeOf = (taken) => taken.type || 'application/octet-stream';

function dataUrl(taken) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.replace(/^data:(application\/octet-stream)?(?=;|,)/, `data:${typeOf(taken)}`));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(taken);
  });
}

function preview(taken) {
  if (!taken.type.startsWith('image/')) return h('span', { class: 'thumb' }, taken.name.split('.').pop().slice(0, 4));
  const picture = h('img', { class: 'thumb', alt: '', src: URL.createObjectURL(taken) });
  picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
  return picture;
}

function list(schema, context) {
  const { id, title, changed } = context;
  const item = schema.items || {};
  const files = isFile(item);
  const rows = [];
  const holder = h('div', { class: 'rows' });
  const add = h('button', { type: 'button', class: 'small', id }, files ? 'Add a file, or drop several here' : 'Add one');
  const node = h('div', { class: 'list' }, holder, add);
  const insert = (value, focus) => {
    const number = rows.length + 1;
    const control = makeControl({ ...item, default: value ?? item.default, 'x-cog-accept': schema['x-cog-accept'] },
      { ...context, id: `${id}-${(last += 1)}`, title: `${title} ${number}`, required: true });
    const row = { control, node: undefined };
    const remove = () => { rows.splice(rows.indexOf(row), 1); row.node.remove(); add.focus(); changed(); };
    row.node = h('div', { class: 'row' }, control.node,
      h('button', { type: 'button', class: 'small', onclick: remove, 'aria-label': `Remove ${title} ${number}` }, '✕'));
    control.input.setAttribute('aria-label', `${title} ${number}`);
    rows.push(row);
    holder.append(row.node);
    if (focus) control.input.focus();
    changed();
    return control;
  };
  add.onclick = () => insert(undefined, true);
  if (files) dropping(node, (taken) => [...taken].forEach((each) => insert().take(each)));
  const begin = start(schema);
  if (Array.isArray(begin)) begin.forEach((value) => insert(value));
  const values = (how) => {
    const found = rows.map(({ control }) => (control[how] || control.read)()).filter((each) => each !== undefined);
    return found.length || Array.isArray(begin) || context.required ? found : undefined;
  };
  return { input: add, node, group: true, read: () => values('read'), shown: () => values('shown') };
}
