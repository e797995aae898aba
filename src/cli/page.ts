/** A self-contained HTML page: pictures as data URIs, no script, no request. */
import { Buffer } from 'node:buffer';

export interface Figure {
  png: Uint8Array;
  caption: string;
}

export interface Section {
  title: string;
  text: string;
  /** Lines of a table, the first being its head. */
  table?: readonly (readonly string[])[];
  figures?: readonly Figure[];
}

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const figure = ({ png, caption }: Figure) =>
  `<figure><img alt="${escape(caption)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">` +
  `<figcaption>${escape(caption)}</figcaption></figure>`;

function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((c) => `<${tag}>${escape(c)}</${tag}>`).join('')}</tr>`;
  return `<table>${line(head ?? [], 'th')}${rows.map((r) => line(r, 'td')).join('')}</table>`;
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem;color:#222}
figure{display:inline-block;margin:0 .8rem .8rem 0;vertical-align:top;width:224px}
img{width:100%;image-rendering:pixelated;border:1px solid #ddd}figcaption{font-size:.8rem;color:#555}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}`;

export function renderPage(title: string, intro: string, sections: readonly Section[]): string {
  const body = sections.map(
    (s) =>
      `<section><h2>${escape(s.title)}</h2><p>${escape(s.text)}</p>${s.table ? table(s.table) : ''}` +
      `<div>${(s.figures ?? []).map(figure).join('\n')}</div></section>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)}</title><style>${style}</style>
<h1>${escape(title)}</h1><p>${escape(intro)}</p>${body.join('\n')}</html>\n`;
}
