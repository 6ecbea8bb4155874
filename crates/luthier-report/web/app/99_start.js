'use strict';
// Builds the page, where there is one: an engine without a document only wants the plots.
(function (luthier) {
  if (typeof document === 'undefined') return;
  const { el } = luthier.dom;
  const { figures } = luthier;
  const painted = [];
  let doc = null;

  /** Gives an element the colour of a stage, in this theme and the other. */
  luthier.paint = (node, stage) => {
    painted.push([node, stage]);
    node.style.setProperty('--stage', luthier.theme.stageColours(doc, figures.theme()).get(stage) || 'transparent');
  };

  luthier.repaint = () => {
    const colours = luthier.theme.stageColours(doc, figures.theme());
    for (const [node, stage] of painted) node.style.setProperty('--stage', colours.get(stage) || 'transparent');
  };

  function start() {
    const from = performance.now();
    doc = luthier.document.read(JSON.parse(document.getElementById('data').textContent));
    document.title = `${luthier.format.short(doc.title, 80)}: Luthier search report`;
    document.getElementById('title').replaceChildren(luthier.dom.brief(doc.title, 160));
    document.getElementById('created').textContent = doc.raw.created ? `Written ${doc.raw.created.replace('T', ' at ').replace('Z', ' UTC')}` : '';
    const main = document.getElementById('main');
    const contents = document.getElementById('contents');
    for (const section of luthier.sections) {
      const made = section.make(doc);
      if (!made) continue;
      main.append(el('section', { id: section.id, 'aria-labelledby': `${section.id}-h` }, el('h2', { id: `${section.id}-h`, tabindex: -1 }, section.title), made));
      contents.append(el('li', null, el('a', { href: `#${section.id}` }, section.title)));
    }
    themeButton();
    copyWhole();
    followReader();
    figures.drawAll(() => {
      document.documentElement.dataset.drawn = String(Math.round(performance.now() - from));
    });
    figures.watch();
  }

  function themeButton() {
    const button = document.getElementById('theme');
    const tell = () => {
      button.textContent = figures.isDark() ? 'Light' : 'Dark';
      button.setAttribute('aria-label', `Change to ${figures.isDark() ? 'light' : 'dark'} colours`);
      button.removeAttribute('aria-pressed');
    };
    button.addEventListener('click', () => {
      document.documentElement.dataset.theme = figures.isDark() ? 'light' : 'dark';
      tell();
      luthier.repaint();
      figures.drawAll();
    });
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      tell();
      luthier.repaint();
    });
    tell();
  }

  /** Marks the section that is being read in the contents. */
  function followReader() {
    const seen = new Set();
    const links = new Map([...document.querySelectorAll('#contents a')].map((link) => [link.getAttribute('href').slice(1), link]));
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) seen.add(target.id);
        else seen.delete(target.id);
      }
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) {
        if (id === first) link.setAttribute('aria-current', 'location');
        else link.removeAttribute('aria-current');
      }
    }, { rootMargin: '-64px 0px -40% 0px' });
    for (const section of document.querySelectorAll('main > section')) observer.observe(section);
  }

  /** A number that is copied alone is copied in full. */
  function copyWhole() {
    document.addEventListener('copy', (event) => {
      const selection = document.getSelection();
      const node = selection.anchorNode && selection.anchorNode.parentElement && selection.anchorNode.parentElement.closest('data');
      if (!node || !node.contains(selection.focusNode) || selection.toString().trim() !== node.textContent.trim()) return;
      event.clipboardData.setData('text/plain', node.value);
      event.preventDefault();
    });
  }

  start();
})(globalThis.luthier);
