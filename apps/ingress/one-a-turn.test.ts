import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import { correlate, correlationId } from '#runtime/correlation.ts';
import { oneATurn } from './one-a-turn.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets one through a turn, in the order of their coming and each under its own id', async () => {
  const inTurn = oneATurn();
  const passed: string[] = [];
  const enter = (id: string): void => {
    void correlate(id, () => inTurn({} as Request, {} as Response, () => passed.push(`${id} ${correlationId()}`)));
  };
  for (const id of ['first', 'second', 'third']) enter(id);
  expect(passed).toEqual(['first first']);
  await turn();
  expect(passed).toEqual(['first first', 'second second']);
  enter('fourth');
  await turn();
  await turn();
  expect(passed).toEqual(['first first', 'second second', 'third third', 'fourth fourth']);
  await turn();
  enter('alone');
  expect(passed.at(-1)).toBe('alone alone');
});

it('goes on after one that failed', async () => {
  const inTurn = oneATurn();
  const passed: string[] = [];
  const fail = (): never => {
    throw new Error('a bug behind it');
  };
  await expect(inTurn({} as Request, {} as Response, fail)).rejects.toThrow('a bug behind it');
  void inTurn({} as Request, {} as Response, () => passed.push('next'));
  await turn();
  expect(passed).toEqual(['next']);
});
