import { describe, expect, it } from 'vitest';
import { openCompiler, type ApiDocument } from '../testing/checked-client.ts';
import { openWebhookRoutes } from '../webhook-route.ts';
import { buildDocument, operationGroups } from './document.ts';

const document = JSON.parse(JSON.stringify(buildDocument('https://in.example'))) as ApiDocument;
const operations = operationGroups.flatMap((group) => group.operations);

describe('the description of the API', () => {
  it('names every operation once', () => {
    const ids = operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.values(document.paths).flatMap((methods) => Object.keys(methods))).toHaveLength(ids.length);
  });

  it('holds nothing but schemas that a strict validator compiles', () => {
    const compile = openCompiler(document);
    let compiled = 0;
    JSON.stringify(document, (key, value) => {
      if (key === 'schema') {
        compile(value);
        compiled += 1;
      }
      return value;
    });
    expect(compiled).toBeGreaterThan(100);
  });

  it('says of every part of a path what it may be', () => {
    const parameters = JSON.stringify(document.paths).match(/\{"name":"\w+","in":"path"[^}]*\}/g) ?? [];
    expect(parameters.length).toBeGreaterThan(10);
    expect(parameters.filter((text) => !text.includes('"schema":{'))).toEqual([]);
  });

  it('has the paths of webhooks that the door takes', () => {
    const routeOf = openWebhookRoutes(new Map());
    const described = operations.filter(({ path }) => routeOf(path.replace(/\{\w+\}/, 'shop')) !== undefined);
    for (const { method, path } of described) {
      expect(routeOf(path.replace(/\{\w+\}/, 'shop'))?.methods).toContain(method.toUpperCase());
    }
    expect(described).toHaveLength(5);
  });
});
