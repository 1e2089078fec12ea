import { expect, it } from 'vitest';
import { localPage } from './page.ts';

it('takes out what other hosts serve and inline styles, and leaves the rest', () => {
  const page = `<head><base href="/" />
    <link rel="icon" href="static/logo.svg">
    <link href="https://fonts.googleapis.com/css2?family=Plex&display=swap" rel="stylesheet">
    <link rel="preconnect" href="//fonts.gstatic.com">
    <link href="static/css/main.css" rel="stylesheet"></head>
    <div id="root"><div style="color:red">Loading</div><style>@keyframes x{0%{opacity:1}}</style></div>
    <script defer src="static/js/main.js"></script>`;
  expect(localPage(page).replace(/\s+/g, ' ')).toBe(
    '<head><base href="/" /> <link rel="icon" href="static/logo.svg"> <link href="static/css/main.css" rel="stylesheet"></head>' +
      ' <div id="root"><div>Loading</div></div> <script defer src="static/js/main.js"></script>',
  );
});
