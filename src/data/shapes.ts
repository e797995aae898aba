/**
 * A procedural picture set: textured shapes on clutter, 64 x 64 RGB. Colour, texture, place, size and rotation are
 * drawn independently of the class, so that only the form tells it; the object's true mask is known.
 */
import { Random } from '../random.ts';

export const SIDE = 64;

export interface ShapePicture {
  /** RGB, row-major, [SIDE, SIDE, 3]. */
  pixels: Uint8Array;
  /** 255 on the object, 0 elsewhere, [SIDE, SIDE]. */
  mask: Uint8Array;
  label: number;
}

/** Distance-like functions: negative inside, about one unit to the rim; u, v in object coordinates, v down. */
type Form = (u: number, v: number) => number;

const polygon =
  (n: number): Form =>
  (u, v) => {
    const sector = (2 * Math.PI) / n;
    const angle = Math.atan2(u, v);
    return Math.hypot(u, v) * Math.cos(angle - sector * Math.round(angle / sector)) - Math.cos(Math.PI / n);
  };

const box = (u: number, v: number, w: number, h: number) => Math.max(Math.abs(u) - w, Math.abs(v) - h);

const star: Form = (u, v) => {
  const sector = (2 * Math.PI) / 5;
  const angle = Math.atan2(u, -v);
  const off = Math.abs(angle - sector * Math.round(angle / sector));
  const r = Math.hypot(u, v);
  // Distance to the edge from the tip (1, 0) to the notch at radius 0.42 and half a sector.
  const [nx, ny] = [0.42 * Math.cos(sector / 2), 0.42 * Math.sin(sector / 2)];
  const [px, py] = [r * Math.cos(off), r * Math.sin(off)];
  return ((px - 1) * ny - py * (nx - 1)) / Math.hypot(nx - 1, ny);
};

/** An implicit form as a distance to first order: f / |grad f|. */
const distanced =
  (f: Form): Form =>
  (u, v) => {
    const h = 1e-3;
    const slope = Math.hypot(f(u + h, v) - f(u - h, v), f(u, v + h) - f(u, v - h)) / (2 * h);
    return f(u, v) / (slope + 1e-6);
  };

const forms: Record<string, Form> = {
  disc: (u, v) => Math.hypot(u, v) - 0.9,
  ring: (u, v) => Math.abs(Math.hypot(u, v) - 0.72) - 0.24,
  square: (u, v) => box(u, v, 0.8, 0.8),
  triangle: polygon(3),
  cross: (u, v) => Math.min(box(u, v, 0.95, 0.3), box(u, v, 0.3, 0.95)),
  star,
  crescent: (u, v) => Math.max(Math.hypot(u, v) - 0.95, 0.8 - Math.hypot(u - 0.45, v)),
  bars: (u, v) => Math.min(box(u, v - 0.66, 0.9, 0.2), box(u, v, 0.9, 0.2), box(u, v + 0.66, 0.9, 0.2)),
  heart: distanced((u, v) => (u * u * 1.5 + v * v * 1.5 - 1) ** 3 + u * u * v * v * v * 2.6),
  arrow: (u, v) => Math.min(box(u, v - 0.45, 0.2, 0.5), Math.max((Math.abs(u) - 0.85 * (v + 0.95)) / 1.3, v)),
  hexagon: polygon(6),
  zigzag: (u, v) =>
    Math.max(Math.abs(v - 0.55 * (Math.abs(((((u + 3) % 1) + 1) % 1) - 0.5) * 4 - 1)) - 0.26, Math.abs(u) - 1),
};

/** The classes of the embedded model. */
export const shapeClasses = ['disc', 'ring', 'square', 'triangle', 'cross', 'star', 'crescent', 'bars'] as const;

/** Classes that the embedded model has never seen, for fine-tuning. */
export const newShapeClasses = ['heart', 'arrow', 'hexagon', 'zigzag'] as const;

type Colour = [number, number, number];

const colour = (r: Random): Colour => [r.uniform(20, 235), r.uniform(20, 235), r.uniform(20, 235)];

/** A second colour that stands out from the first by at least 80 levels in the mean of the channels' differences. */
function contrasting(r: Random, first: Colour): Colour {
  for (;;) {
    const second = colour(r);
    if (second.reduce((n, c, i) => n + Math.abs(c - first[i]!), 0) / 3 >= 80) return second;
  }
}

type Texture = (x: number, y: number) => number;

/** 0 or 1 (or between): which of two colours a pixel of the surface has. */
function texture(r: Random): Texture {
  const angle = r.uniform(0, Math.PI);
  const period = r.uniform(4, 9);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const along = (x: number, y: number) => ((((x * c + y * s) / period) % 1) + 1) % 1;
  const across = (x: number, y: number) => ((((y * c - x * s) / period) % 1) + 1) % 1;
  const grain = r.fork('grain');
  const kinds: Texture[] = [
    () => 0,
    (x, y) => (along(x, y) < 0.5 ? 0 : 0.7),
    (x, y) => (along(x, y) < 0.5 === across(x, y) < 0.5 ? 0 : 0.7),
    (x, y) => (Math.hypot(along(x, y) - 0.5, across(x, y) - 0.5) < 0.28 ? 0.8 : 0),
    () => grain.uniform(0, 0.6),
  ];
  return r.pick(kinds);
}

const mix = (a: Colour, b: Colour, t: number): Colour => [0, 1, 2].map((i) => a[i]! + (b[i]! - a[i]!) * t) as Colour;

/** Renders a picture of `form` from `random` alone. */
export function shapePicture(name: string, label: number, random: Random): ShapePicture {
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  const mask = new Uint8Array(SIDE * SIDE);
  const ground = colour(random);
  const far = mix(ground, colour(random), 0.5);
  const slope = random.uniform(0, 2 * Math.PI);
  const backing = texture(random);
  const strength = random.uniform(0, 0.35);
  const accent = colour(random);
  // Clutter: short strokes and blobs in colours of their own, smaller than any object.
  const clutter = Array.from({ length: 2 + random.int(5) }, () => ({
    x: random.uniform(0, SIDE),
    y: random.uniform(0, SIDE),
    dx: random.normal(),
    dy: random.normal(),
    length: random.uniform(2, 14),
    width: random.uniform(0.8, 2.2),
    colour: colour(random),
  }));
  const skin = contrasting(random, ground);
  const second = colour(random);
  const surface = texture(random);
  const radius = random.uniform(14, 24);
  const [cx, cy] = [
    random.uniform(radius * 0.9, SIDE - radius * 0.9),
    random.uniform(radius * 0.9, SIDE - radius * 0.9),
  ];
  const turn = random.uniform(-0.6, 0.6) + (random.int(4) * Math.PI) / 2;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const noise = random.uniform(2, 10);
  const form = forms[name]!;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const t = ((x - 32) * Math.cos(slope) + (y - 32) * Math.sin(slope)) / 90 + 0.5;
      let rgb = mix(mix(ground, far, t), accent, backing(x, y) * strength);
      for (const c of clutter) {
        const norm = Math.hypot(c.dx, c.dy);
        const reach = Math.max(0, Math.min(c.length, ((x - c.x) * c.dx + (y - c.y) * c.dy) / norm));
        const d = Math.hypot(x - c.x - (reach * c.dx) / norm, y - c.y - (reach * c.dy) / norm);
        if (d < c.width + 0.5) rgb = mix(rgb, c.colour, Math.min(1, c.width + 0.5 - d));
      }
      const [ox, oy] = [(x - cx) / radius, (y - cy) / radius];
      const d = form(ox * cos + oy * sin, oy * cos - ox * sin) * radius;
      const cover = Math.max(0, Math.min(1, 0.5 - d));
      if (cover > 0) rgb = mix(rgb, mix(skin, second, surface(x, y)), cover);
      if (cover >= 0.5) mask[y * SIDE + x] = 255;
      const at = (y * SIDE + x) * 3;
      for (let k = 0; k < 3; k++)
        pixels[at + k] = Math.max(0, Math.min(255, Math.round(rgb[k]! + noise * random.normal())));
    }
  }
  return { pixels, mask, label };
}

/** `count` pictures of `classes` in turn. The same seed gives the same pictures, however many are asked for. */
export function shapePictures(
  seed: number | string,
  count: number,
  classes: readonly string[] = shapeClasses,
): ShapePicture[] {
  const root = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % classes.length;
    return shapePicture(classes[label]!, label, root.fork(i));
  });
}
