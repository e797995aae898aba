/**
 * HTML and SVG by a tagged template: what is put in is escaped, unless it is markup itself.
 *
 *   markup`<p>${name} has ${list.map((x) => markup`<b>${x}</b>`)}</p>`
 *
 * Attribute values stand in quotes; `raw` is for markup that is known to be whole.
 */

/** Markup that needs no more escaping. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** What a template takes: lists are joined; false, null and undefined leave nothing. */
export type Content = Markup | string | number | false | null | undefined | readonly Content[];

/** What neither HTML nor XML can hold: control characters, and halves of surrogate pairs. */
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Of text, and of attribute values in quotes. */
export const escape = (text: string): string =>
  text.replace(unprintable, '\ufffd').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function render(content: Content): string {
  if (content === undefined || content === null || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return escape(String(content));
}

export const markup = (parts: TemplateStringsArray, ...contents: readonly Content[]): Markup =>
  new Markup(parts.map((part, i) => part + render(contents[i])).join(''));

export const raw = (text: string): Markup => new Markup(text);

/** The address of bytes, inside the page itself. */
export function dataUrl(bytes: Uint8Array, type = 'image/png'): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:${type};base64,${btoa(text)}`;
}
