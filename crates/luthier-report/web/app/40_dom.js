'use strict';
// Elements of the page. Text from data only ever becomes a text node.
(function (luthier) {
  /** `el('p.note', {title: '…'}, 'text', child, …)`. Attributes that are null are left out; functions listen to events. */
  function el(what, attributes, ...children) {
    const [tag, ...classes] = what.split('.');
    const node = document.createElement(tag);
    if (classes.length) node.className = classes.join(' ');
    for (const [name, given] of Object.entries(attributes || {})) {
      if (given === null || given === undefined || given === false) continue;
      if (typeof given === 'function') node.addEventListener(name, given);
      else node.setAttribute(name, given === true ? '' : String(given));
    }
    append(node, children);
    return node;
  }

  function append(node, children) {
    for (const child of children) {
      if (child === null || child === undefined || child === false) continue;
      if (Array.isArray(child)) append(node, child);
      else node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  }

  /** A number as shown, with its full value where it is pointed at and when it is copied. */
  function num(raw, text) {
    const shown = text === undefined ? luthier.format.significant(raw) : text;
    return el('data', { value: raw, title: String(raw) === shown ? null : raw }, shown);
  }

  /** A text that may be of any length: its beginning, with all of it where it is pointed at. */
  function brief(text, length = 80) {
    const shown = luthier.format.short(text, length);
    return shown === String(text) ? shown : el('span', { title: text }, shown);
  }

  /** A text with parts between backticks, which become code. */
  function prose(text) {
    return String(text).split('`').map((part, at, all) => (at % 2 === 1 && at < all.length - 1 ? el('code', null, part) : part));
  }

  let last = 0;
  function freshId(start) {
    last += 1;
    return `${start}-${last}`;
  }

  /** Tells a screen reader what changed. */
  function say(text) {
    const place = document.getElementById('said');
    if (place) place.textContent = text;
  }

  function download(name, type, text) {
    const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function csv(rows) {
    const cell = (x) => {
      const text = x === null || x === undefined ? '' : typeof x === 'object' ? JSON.stringify(x) : String(x);
      return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
    };
    return `${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
  }

  luthier.dom = { el, append, num, brief, prose, freshId, say, download, csv };
})(globalThis.luthier);
