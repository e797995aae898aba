import { describe, expect, it } from 'vitest';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { lineFilter } from '../../src/cli/launcher.ts';
import { report } from '../../src/cli/run.ts';
import { Terminal } from '../../src/cli/terminal.ts';

/** A terminal as a person sees it: `\r` and the erase sequence are obeyed. */
function screen() {
  let lines = [''];
  const write = (text: string) => {
    for (const part of text.split(/(\r\x1b\[2K|\n)/)) {
      if (part === '\n') lines.push('');
      else if (part === '\r\x1b[2K') lines[lines.length - 1] = '';
      else lines[lines.length - 1] += part;
    }
  };
  return { isTTY: true, columns: 60, write, seen: () => lines, reset: () => (lines = ['']) };
}

describe('the progress bar', () => {
  it('shares its line with nothing', () => {
    const tty = screen();
    const terminal = new Terminal(tty, tty);
    terminal.progress('epoch 1 loss 0.500', 3, 10);
    expect(tty.seen()).toEqual([expect.stringMatching(/^█+░+ epoch 1 loss 0\.500 3\/10$/)]);
    terminal.print('epoch 1: done');
    terminal.note('a note');
    expect(tty.seen()).toEqual(['epoch 1: done', 'a note', expect.stringMatching(/3\/10$/)]);
    terminal.progress('epoch 1 loss 0.500', 10, 10);
    expect(tty.seen()).toEqual(['epoch 1: done', 'a note', 'epoch 1 loss 0.500 10/10', '']);
  });

  it('is taken away before an error, and fits the width', () => {
    const tty = screen();
    const terminal = new Terminal(tty, tty);
    terminal.progress('x'.repeat(200), 1, 2);
    expect(tty.seen()[0]!.length).toBe(59);
    terminal.clear();
    report(new Error('boom'), terminal);
    expect(tty.seen()[0]).toMatch(/^wgrad: unexpected: boom\. .*--verbose/);
  });

  it('is one line at the end where there is no terminal', () => {
    const [out, err] = [screen(), screen()];
    err.isTTY = false;
    const terminal = new Terminal(out, err, true);
    for (let i = 0; i <= 3; i++) terminal.progress('files', i, 3);
    terminal.print('a result for people');
    terminal.result({ a: 1 });
    terminal.result({ b: 2 });
    expect(err.seen()).toEqual(['files 3/3', 'a result for people', '']);
    expect(JSON.parse(out.seen().join('\n'))).toEqual({ a: 1 });
  });
});

describe('a fault', () => {
  const told = (error: unknown, options = {}) => {
    const err = screen();
    return { code: report(error, new Terminal(screen(), err), options), text: err.seen().join('\n') };
  };

  it('of wgrad is a short line; its stack comes with --verbose', () => {
    const { code, text } = told(new TypeError('x is not a function'));
    expect(code).toBe(3);
    expect(text).toBe(
      'wgrad: unexpected: x is not a function. This is a fault of wgrad: please report it, with what the same ' +
        'command prints with --verbose [fault]\n',
    );
    expect(told(new TypeError('x'), { verbose: true }).text).toMatch(/\n {4}at /);
  });

  it('is an interruption only where somebody interrupted', () => {
    expect(told(new DOMException('', 'AbortError'), { interrupted: true })).toEqual({
      code: 130,
      text: 'interrupted\n',
    });
    expect(told(new DOMException('lost', 'AbortError')).code).toBe(3);
  });
});

describe('Ctrl-C', () => {
  it('cuts work off that does not end, but not work that holds on', async () => {
    const interrupt = new Interrupt();
    const endless = interrupt.race(new Promise(() => undefined));
    let saved = false;
    const holding = interrupt.hold(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1300));
      saved = true;
    });
    expect([interrupt.ask(), interrupt.ask(), interrupt.signal.aborted]).toEqual([true, false, true]);
    await expect(endless).rejects.toMatchObject({ name: 'AbortError' });
    expect(saved).toBe(true);
    await holding;
  });
});

describe('the filter of native messages', () => {
  const noise = (what: string) =>
    `Warning: maxDynamic${what}BuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.\n`;

  const filtered = (...chunks: string[]) => {
    let text = '';
    const filter = lineFilter((part) => (text += part));
    for (const chunk of chunks) filter.write(chunk);
    filter.end();
    return text;
  };

  it('leaves out the two lines and nothing else, however they are cut', () => {
    const all = `one\n${noise('Uniform')}Warning: something else\n${noise('Storage')}two`;
    const kept = 'one\nWarning: something else\ntwo';
    expect(filtered(all)).toBe(kept);
    expect(filtered(...all)).toBe(kept);
    expect(filtered(all.slice(0, 30), all.slice(30, 90), all.slice(90))).toBe(kept);
    expect(filtered('Warning: maxDynamic is not what it was\n')).toBe('Warning: maxDynamic is not what it was\n');
  });

  it('passes a bar on at once', () => {
    let text = '';
    lineFilter((part) => (text += part)).write('\r\x1b[2K███░░ 3/10');
    expect(text).toBe('\r\x1b[2K███░░ 3/10');
  });
});
