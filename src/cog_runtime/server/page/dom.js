// Elements are made here and nowhere else: texts become text nodes, never markup.

export const $ = (id) => document.getElementById(id);

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

// Something with a button in its corner.
export const framed = (node, button) => h('div', { class: 'framed' }, node, h('div', { class: 'tools' }, button));

export function bytes(count) {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let power = 0;
  for (let size = count; size >= 1000 && power < units.length - 1; size /= 1000) power += 1;
  const size = count / 1000 ** power;
  return `${size.toFixed(power && size < 10 ? 1 : 0)} ${units[power]}`;
}

export function seconds(value) {
  if (value < 0.001) return `${(value * 1000).toFixed(2)} ms`;
  if (value < 1) return `${(value * 1000).toFixed(0)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
}

// A button that copies what `text` returns at that moment.
export function copier(text, what) {
  const label = h('span', { 'aria-live': 'polite' }, 'Copy');
  let timer;
  const copy = async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      done = copyOldWay(text()); // the newer way exists over HTTPS and on localhost only
    }
    label.textContent = done ? 'Copied' : 'Not allowed';
    clearTimeout(timer);
    timer = setTimeout(() => { label.textContent = 'Copy'; }, 1600);
  };
  return h('button', { type: 'button', class: 'small', title: `Copy ${what}`, onclick: copy }, label);
}

function copyOldWay(text) {
  const holder = h('textarea', { class: 'hidden', 'aria-hidden': 'true' });
  const before = document.activeElement;
  holder.value = text;
  document.body.append(holder);
  holder.select();
  const done = document.execCommand('copy');
  holder.remove();
  before?.focus();
  return done;
}

// Tabs as the ARIA authoring practices describe them: arrows move, one tab stop.
export function tabs(list, names, show) {
  const buttons = names.map((name, index) => h('button', {
    type: 'button', role: 'tab', 'aria-controls': list.dataset.panel, onclick: () => choose(index),
  }, name));
  const choose = (index, focus) => {
    buttons.forEach((button, each) => {
      button.setAttribute('aria-selected', String(each === index));
      button.tabIndex = each === index ? 0 : -1;
    });
    if (focus) buttons[index].focus();
    show(index);
  };
  list.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose((buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length, true);
  };
  fill(list, buttons);
  $(list.dataset.panel).setAttribute('role', 'tabpanel');
  choose(0);
}
