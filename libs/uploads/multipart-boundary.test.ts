import { expect, it } from 'vitest';
import { boundaryOf, isAllContent, isDelimiterOpen } from '#uploads/multipart-boundary.ts';

const DELIMITER = Buffer.from('\r\n--boundary');

it.each([
  ['multipart/form-data; boundary=abc', '\r\n--abc', 'multipart/form-data; boundary="abc"'],
  ['multipart/form-data; charset=utf-8; boundary="a:b"', '\r\n--a:b', 'multipart/form-data; boundary="a:b"'],
  ['multipart/form-data; boundary="a b"', '\r\n--a b', undefined],
  ['multipart/form-data; boundary=a\\"b', '\r\n--a\\"b', undefined],
])('reads %s', (header, delimiter, contentType) => {
  expect(boundaryOf(header)).toEqual({ delimiter: Buffer.from(delimiter), contentType });
});

it.each(['multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'a'.repeat(71)}`])(
  'finds no boundary in %s',
  (header) => {
    expect(boundaryOf(header)).toBeUndefined();
  },
);

it.each([
  ['some plain content of a file', false, true],
  ['a line break \r\n in the content', false, true],
  ['a delimiter \r\n--boundary in it', false, false],
  ['it ends where one may begin\r', true, false],
  ['it ends where one may begin\r\n--bound', true, false],
  ['it ends where none can begin\r\n--bounx', false, true],
  ['it ends with two, \r\n--bo\r\n--b', true, false],
  ['short', true, false],
  ['', true, false],
])('judges %j', (text, isOpen, isContent) => {
  const chunk = Buffer.from(text);
  expect([isDelimiterOpen(chunk, DELIMITER), isAllContent(chunk, DELIMITER)]).toEqual([isOpen, isContent]);
});
