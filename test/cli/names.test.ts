import { describe, expect, it } from 'vitest';
import { fileName, numbered, uniqueNames } from '../../src/cli/names.ts';

describe('names of output files', () => {
  it('are the pictures own where they differ', () => {
    expect(uniqueNames(['a/cat.jpg', 'b/dog.png'])).toEqual(['cat', 'dog']);
    expect(uniqueNames([])).toEqual([]);
  });

  it('take as many folders as tell pictures apart, and only where they must', () => {
    expect(uniqueNames(['bird/0001.jpg', 'dog/0001.jpg', 'dog/0002.jpg'])).toEqual(['bird-0001', 'dog-0001', '0002']);
    expect(uniqueNames(['x/a/1.jpg', 'y/a/1.jpg', 'y/b/1.jpg'])).toEqual(['x-a-1', 'y-a-1', 'b-1']);
  });

  it('take the ending, then a number', () => {
    expect(new Set(uniqueNames(['a/1.jpg', 'a/1.png', 'a/1.jpg', 'a/1.jpg'])).size).toBe(4);
    expect(uniqueNames(['a/1.jpg', 'a/1.png']).map((n) => n.slice(-6))).toEqual(['-1-jpg', '-1-png']);
    expect(numbered(['a', 'A', 'a-2', 'a'])).toEqual(['a', 'A-3', 'a-2', 'a-4']);
  });

  it('never meet on a disk that does not tell capitals from small letters', () => {
    const names = uniqueNames(['a/Cat.jpg', 'b/cat.jpg', 'a-cat.jpg']);
    expect(new Set(names.map((n) => n.toLowerCase())).size).toBe(3);
  });

  it('hold no separator, and are never hidden or empty', () => {
    expect(fileName('unit-logit n/a: ../x')).toBe('unit-logit_n_a_.._x');
    expect(fileName('logit:犬')).toBe('logit_犬');
    expect(fileName('layer3:7@4,4')).toBe('layer3_7@4,4');
    expect([fileName('..'), fileName('.hidden'), fileName('')]).toEqual(['unnamed', 'hidden', 'unnamed']);
    expect(fileName('n'.repeat(500)).length).toBe(60);
  });
});
