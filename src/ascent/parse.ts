/**
 * Objectives as text, the way their names are written: `channel(layer3.5,7) - 1e-2*l1`, `logit('pug, pug-dog')`.
 *
 *     sum     = product (('+' | '-') product)*
 *     product = ['-'] factor ('*' factor | '/' number)*
 *     factor  = number | NAME ['(' argument (',' argument)* ')'] | interpolated '(' sum ',' sum ')' | '(' sum ')'
 *
 * An argument is text up to a comma or a parenthesis; what holds these stands in quotes.
 */
import { WgradError } from '../errors.ts';
import * as o from './objectives/index.ts';
import type { Objective } from './objectives/objective.ts';

/** What an expression may speak of that text cannot hold. */
export interface ExpressionContext {
  /** The picture that `caricature`, `difference` and `style` are about, in the network's units. */
  reference?: Float32Array | undefined;
}

interface Row {
  /** For messages. */
  usage: string;
  /** Least and largest number of arguments. */
  arity: readonly [number, number];
  make(args: readonly string[], context: ExpressionContext): Objective;
}

/** Of objectives themselves. */
const combinations: Readonly<Record<string, (a: Objective, b: Objective) => Objective>> = {
  interpolated: o.interpolated,
};

const number = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new WgradError('usage', `'${text}' is no number`);
};

const whole = (text: string | undefined): number | undefined => {
  const value = number(text);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new WgradError('usage', `'${text}' is no whole number`);
};

const classOf = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);

const reference = ({ reference }: ExpressionContext, name: string): Float32Array => {
  if (reference) return reference;
  throw new WgradError('usage', `${name} needs a picture to compare with`, { remedy: 'Give one: --image photo.jpg' });
};

const functions: Readonly<Record<string, Row>> = {
  channel: { usage: 'channel(LAYER,K)', arity: [2, 2], make: ([l, k]) => o.channel(l!, whole(k)!) },
  neuron: { usage: 'neuron(LAYER,K[,Y,X])', arity: [2, 4], make: ([l, k, y, x]) => o.neuron(l!, whole(k)!, whole(y), whole(x)) },
  layer: { usage: 'layer(LAYER)', arity: [1, 1], make: ([l]) => o.layer(l!) },
  logit: { usage: 'logit(CLASS)', arity: [1, 1], make: ([c]) => o.logit(classOf(c!)) },
  logprob: { usage: 'logprob(CLASS)', arity: [1, 1], make: ([c]) => o.logProbability(classOf(c!)) },
  diversity: { usage: 'diversity(LAYER)', arity: [1, 1], make: ([l]) => o.diversity(l!) },
  alignment: { usage: 'alignment(LAYER[,DECAY])', arity: [1, 2], make: ([l, d]) => o.alignment(l!, number(d)) },
  caricature: { usage: 'caricature(LAYER[,POWER])', arity: [1, 2], make: ([l, p], c) => o.caricature(l!, reference(c, 'caricature'), number(p)) },
  difference: { usage: 'difference(LAYER[,...])', arity: [1, 99], make: (l, c) => o.activationDifference(l, reference(c, 'difference')) },
  style: { usage: 'style(LAYER[,...])', arity: [1, 99], make: (l, c) => o.style(l, reference(c, 'style')) },
  tv: { usage: 'tv[(BETA)]', arity: [0, 1], make: ([b]) => o.totalVariation(b === undefined ? {} : { beta: number(b)! }) },
  edges: { usage: 'edges', arity: [0, 0], make: () => o.edges() },
  l1: { usage: 'l1', arity: [0, 0], make: () => o.l1() },
  l2: { usage: 'l2', arity: [0, 0], make: () => o.l2() },
  lp: { usage: 'lp[(POWER)]', arity: [0, 1], make: ([p]) => o.lp(number(p)) },
  blur: { usage: 'blur[(SIGMA)]', arity: [0, 1], make: ([s]) => o.blur(number(s)) },
  opacity: { usage: 'opacity', arity: [0, 0], make: () => o.opacity() },
}; // prettier-ignore

/** How each function is written. */
export const expressionUsage: readonly string[] = [
  ...Object.values(functions).map((row) => row.usage),
  ...Object.keys(combinations).map((name) => `${name}(EXPRESSION,EXPRESSION)`),
];

/** @throws WgradError 'usage' with the place where the text is no objective. */
export function parseObjective(text: string, context: ExpressionContext = {}): Objective {
  const parser = new Parser(text, context);
  const result = parser.sum();
  parser.end();
  return result;
}

const NUMBER = /^\d+(\.\d*)?(e[+-]?\d+)?|^\.\d+(e[+-]?\d+)?/i;

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly context: ExpressionContext,
  ) {}

  private fail(what: string): WgradError {
    return new WgradError('usage', `'${this.text}': ${what} at character ${this.at + 1}`, {
      remedy: `Write for instance channel(layer3,7) - 1e-2*l1; there are ${expressionUsage.join(', ')}`,
    });
  }

  private space(): void {
    while (this.text[this.at] === ' ') this.at++;
  }

  private take(symbol: string): boolean {
    this.space();
    if (this.text[this.at] !== symbol) return false;
    this.at++;
    return true;
  }

  private number(): number | undefined {
    this.space();
    const found = NUMBER.exec(this.text.slice(this.at))?.[0];
    if (found === undefined) return undefined;
    this.at += found.length;
    return Number(found);
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw this.fail(`'${this.text[this.at]}' was not expected`);
  }

  sum(): Objective {
    let result = this.product();
    for (;;) {
      if (this.take('+')) result = result.plus(this.product());
      else if (this.take('-')) result = result.minus(this.product());
      else return result;
    }
  }

  private product(): Objective {
    let factor = 1;
    let scaled = false;
    let terms: Objective | undefined;
    while (this.take('-')) factor = -factor;
    do {
      const n = this.number();
      if (n === undefined) {
        const term = this.term();
        terms = terms ? terms.times(term) : term;
      } else {
        factor *= n;
        scaled = true;
      }
      while (this.take('/')) {
        const n = this.number();
        if (n === undefined) throw this.fail('a number was expected');
        factor /= n;
        scaled = true;
      }
    } while (this.take('*'));
    if (!Number.isFinite(factor)) throw this.fail('the factor is not finite');
    if (!terms) return o.asObjective(factor);
    return scaled ? terms.times(factor) : factor < 0 ? terms.negated() : terms;
  }

  private term(): Objective {
    if (this.take('(')) {
      const inner = this.sum();
      if (!this.take(')')) throw this.fail("')' is missing");
      return inner;
    }
    this.space();
    const name = /^[a-z]\w*/i.exec(this.text.slice(this.at))?.[0];
    if (name === undefined) throw this.fail('a name was expected');
    if (Object.hasOwn(combinations, name)) return this.combination(name);
    const row = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!row) throw this.fail(`there is no objective '${name}'`);
    this.at += name.length;
    const args = this.take('(') ? this.arguments() : [];
    const [least, most] = row.arity;
    if (args.length < least || args.length > most)
      throw this.fail(`${row.usage} is meant; ${args.length} arguments stand`);
    return row.make(args, this.context);
  }

  private combination(name: string): Objective {
    this.at += name.length;
    const expect = (symbol: string) => {
      if (!this.take(symbol)) throw this.fail(`'${symbol}' was expected`);
    };
    expect('(');
    const first = this.sum();
    expect(',');
    const second = this.sum();
    expect(')');
    return combinations[name]!(first, second);
  }

  private arguments(): string[] {
    const args: string[] = [];
    for (;;) {
      this.space();
      const rest = this.text.slice(this.at);
      const quoted = /^'([^']*)'|^"([^"]*)"/.exec(rest);
      const plain = /^[^,()'"]*/.exec(rest)![0];
      this.at += quoted ? quoted[0].length : plain.length;
      args.push(quoted ? (quoted[1] ?? quoted[2])! : plain.trim());
      if (this.take(')')) return args;
      if (!this.take(',')) throw this.fail("',' or ')' was expected");
    }
  }
}
