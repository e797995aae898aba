/**
 * A page of results in one file: no script, no request, light and dark, phone to wide screen. Every page that the command
 * leaves is made here, so that all look alike.
 */
import { chartCss } from './charts/css.ts';
import { markup, raw, type Content } from './markup.ts';
import { pictureCss } from './pictures.ts';
import { tableCss } from './table.ts';
import { face, themeCss } from './tokens.ts';

export interface Section {
  /** Absent: no heading, and not in the contents. */
  title?: string;
  /** Paragraphs below it. */
  text?: Content | readonly Content[];
  body?: Content;
}

export interface Page {
  title: string;
  /** Paragraphs below it: what this is, on which machine. */
  intro?: readonly Content[];
  /** Below that: a few numbers. */
  facts?: Content;
  /** What stands out above the results: that some are missing. */
  warning?: Content;
  sections: readonly Section[];
  /** What made it, for a shell. */
  command?: string | undefined;
  /** Other files that were written, by their path from the page. */
  files?: readonly { path: string; what: Content }[];
  /** More rules, for content that needs its own. */
  css?: string;
}

const css = `${themeCss()}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{font:16px/1.55 ${face};margin:0;color:var(--ink);background:var(--paper)}
header,main,footer{max-width:90rem;margin:0 auto;padding:0 clamp(16px,4vw,48px)}
header{padding-top:clamp(24px,5vw,56px)}footer{padding-bottom:48px}
h1{font-size:clamp(1.6rem,1.2rem + 1.6vw,2.4rem);line-height:1.15;letter-spacing:-.02em;margin:0 0 .5rem;text-wrap:balance}
h2{font-size:1.35rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .3rem;padding-top:2.75rem}h3{font-size:1rem;margin:1.5rem 0 .2rem}
p{max-width:44rem;margin:.25rem 0 .6rem;overflow-wrap:break-word}.intro{color:var(--quiet)}a{color:var(--accent)}
a:focus-visible,[tabindex]:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:1rem 0 0;padding:0;font-size:15px}nav a{display:inline-block;padding:.25rem 0}
.warning{border-left:4px solid var(--warn);background:var(--wash);color:var(--warn);padding:.6rem 1rem;margin:1rem 0}
.warning p,.warning{max-width:46rem}pre{overflow-x:auto;font-size:13px;line-height:1.5;background:var(--wash);padding:.7rem 1rem;margin:.5rem 0;border-radius:4px}
.files{list-style:none;padding:0;margin:.5rem 0;columns:22rem}.files li{margin:.2rem 0}.files span{color:var(--quiet)}.quiet{color:var(--quiet)}
summary{cursor:pointer}@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}
${tableCss}
${pictureCss}
${chartCss}`;

/** A heading as the end of an address; never the same for two of a page. */
function anchors(titles: readonly (string | undefined)[]): (string | undefined)[] {
  const taken = new Set<string>();
  return titles.map((title) => {
    if (title === undefined) return undefined;
    const plain = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'section'; // prettier-ignore
    let name = plain;
    for (let i = 2; taken.has(name); i++) name = `${plain}-${i}`;
    taken.add(name);
    return name;
  });
}

const isList = (text: Section['text']): text is readonly Content[] => Array.isArray(text);

const paragraphs = (text: Section['text']): Content =>
  (isList(text) ? text : [text]).filter((t) => t !== undefined && t !== '').map((t) => markup`<p>${t}</p>`);

/** More files than these are folded. */
const MANY = 8;

/** Of a file beside the page. */
const address = (path: string): string => path.split(/[\\/]/).map(encodeURIComponent).join('/');

/** @returns the whole file. */
export function renderPage({
  title,
  intro = [],
  facts,
  warning,
  sections,
  command,
  files = [],
  css: more = '',
}: Page): string {
  const ids = anchors(sections.map((s) => s.title));
  const links = sections.flatMap((s, i) =>
    s.title === undefined ? [] : [markup`<li><a href="#${ids[i]}">${s.title}</a></li>`],
  );
  const nav = links.length > 2 && markup`<nav aria-label="On this page"><ul>${links}</ul></nav>`;
  const body = sections.map((s, i) =>
    s.title === undefined
      ? markup`<section>${paragraphs(s.text)}${s.body}</section>\n`
      : markup`<section aria-labelledby="${ids[i]}"><h2 id="${ids[i]}">${s.title}</h2>${paragraphs(s.text)}${s.body}</section>\n`,
  );
  const list = files.map(
    ({ path, what }) => markup`<li><a href="${address(path)}">${path}</a> <span>${what}</span></li>`,
  );
  const names = markup`<ul class="files">${list}</ul>`;
  const folded =
    list.length > MANY
      ? markup`<details><summary>${list.length} files beside this page</summary>${names}</details>`
      : names;
  const wrote = list.length > 0 && markup`<h2>Files</h2>${folded}`;
  const made = command !== undefined && markup`<h2>Made by</h2><pre tabindex="0"><code>${command}</code></pre>`;
  const alert = warning !== undefined && markup`<div class="warning" role="status">${warning}</div>`;
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${raw(css + more)}</style></head>
<body><header><h1>${title}</h1>${intro.map((line) => markup`<p class="intro">${line}</p>`)}${facts}${alert}${nav}</header>
<main>${body}</main>
<footer>${wrote}${made}</footer></body></html>
`.text;
}
