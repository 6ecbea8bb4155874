'use strict';
// All that is needed to repeat the search.
(function (luthier) {
  const { el, say } = luthier.dom;
  const { bytes, value, seconds } = luthier.format;

  function repeat(doc) {
    const found = doc.raw.repeat;
    if (!found) return null;
    const machine = found.machine || {};
    const facts = [
      ['luthier', found.version], ['seed', found.seed], ['cores', machine.cores], ['memory', machine.memory_bytes ? bytes(machine.memory_bytes) : null], ['system', machine.os],
      ['time to load', doc.search.load_seconds === undefined ? null : seconds(doc.search.load_seconds)],
    ].filter(([, x]) => x !== null && x !== undefined);
    const command = found.command && found.command.length ? found.command.map(quoted).join(' ') : null;
    return [
      command ? block('Command', command) : null,
      el('dl.facts', null, facts.map(([name, x]) => el('div', null, el('dt', null, name), el('dd', null, value(x))))),
      (found.data || []).length ? [el('h3.after', null, 'Data'), luthier.table({
        caption: 'Files of the data', rows: found.data, unit: 'file', columns: [
          { name: 'path', get: (file) => file.path, cell: (file) => file.path }, { name: 'bytes', get: (file) => file.bytes }, { name: 'fingerprint', get: (file) => file.fingerprint },
        ].filter((column) => found.data.some((file) => column.get(file) !== undefined && column.get(file) !== null)),
      })] : null,
      found.configuration ? block('Configuration', found.configuration) : null,
    ];
  }

  /** A word of a command as a POSIX shell takes it. */
  function quoted(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
  }

  function block(title, text) {
    const copy = el('button', { type: 'button', 'aria-label': `Copy: ${title}`, click: () => write(text).then(() => tell('Copied', `${title} copied.`), () => select()) }, 'Copy');
    const tell = (shown, said) => {
      copy.textContent = shown;
      say(said);
      setTimeout(() => {
        copy.textContent = 'Copy';
      }, 2000);
    };
    // Where the clipboard is not allowed, the text is selected at least.
    const select = () => {
      document.getSelection().selectAllChildren(pre);
      tell('Selected', 'Selected; copy it with the keyboard.');
    };
    const pre = el('pre.block', { tabindex: 0 }, text);
    return el('div.after', null, el('div.bar', null, el('h3', null, title), copy), pre);
  }

  /** Rejects also where there is no clipboard. */
  async function write(text) {
    await navigator.clipboard.writeText(text);
  }

  luthier.sections.push({ id: 'repeat', title: 'Repeat it', make: repeat });
})(globalThis.luthier);
