'use strict';
// Colours, light and dark. Those of stages are of Okabe and Ito (2008), which colour-blind readers tell apart; the scale is
// cividis (Nuñez, Anderton and Renslow 2018), which rises evenly in lightness.
(function (luthier) {
  const cividis = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55', '#fee838'];
  const light = {
    isDark: false, text: '#1c2330', muted: '#596273', grid: '#e3e6eb', axis: '#9aa3b2', surface: '#ffffff',
    accent: '#0067a8', scale: cividis.slice(0, 9).reverse(), best: '#c2410c', faint: '#c9cfd8', outline: '#1c2330',
    cycle: ['#0072b2', '#d98c00', '#009e73', '#cc6fa0', '#3a9bd6', '#d55e00', '#7a5cc0', '#8c7a00', '#5b6b7d', '#a8323e'],
  };
  const dark = {
    isDark: true, text: '#e6eaf1', muted: '#a3adbd', grid: '#2c3441', axis: '#5d6878', surface: '#171c24',
    accent: '#62b5f0', scale: cividis.slice(2), best: '#ff9d5c', faint: '#465061', outline: '#f2f5fa',
    cycle: ['#4aa8e0', '#f0b040', '#2fc79b', '#e29ac2', '#8fcdf5', '#f4844a', '#ac94ec', '#cdbb3c', '#9aa8b8', '#ea7f86'],
  };

  /** The colour of each stage, the same wherever the stage is seen; reading of rows and the last fit have their own. */
  function stageColours(doc, theme) {
    const names = [];
    for (const one of [doc.raw, doc.raw.compare]) {
      for (const pipeline of (one && one.pipelines) || []) for (const stage of pipeline.stages || []) names.push(stage.name);
      names.push(...((one && one.events && one.events.stages) || []));
    }
    const colours = new Map([['rows', theme.muted], ['refit', theme.isDark ? '#c8d0dc' : '#3a4353']]);
    let next = 0;
    for (const name of names) {
      if (colours.has(name)) continue;
      colours.set(name, theme.cycle[next % theme.cycle.length]);
      next += 1;
    }
    return colours;
  }

  /** Black or white, whichever is read more easily on a colour (relative luminance of WCAG 2). */
  function inkOn(colour) {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const x = parseInt(colour.slice(at, at + 2), 16) / 255;
      return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
  }

  /** The colour at a share from 0 to 1 of a scale. */
  function between(colours, share) {
    const at = Math.max(0, Math.min(1, share)) * (colours.length - 1);
    const [a, b] = [colours[Math.floor(at)], colours[Math.ceil(at)]];
    const part = (from) => Math.round(parseInt(a.slice(from, from + 2), 16) * (1 - (at % 1)) + parseInt(b.slice(from, from + 2), 16) * (at % 1));
    return `#${[1, 3, 5].map((from) => part(from).toString(16).padStart(2, '0')).join('')}`;
  }

  luthier.theme = { light, dark, stageColours, inkOn, between };
})(globalThis.luthier);
