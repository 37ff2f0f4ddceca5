/**
 * The pages that `type` of a problem points to: cause, remedy and a curl, for a person who reads a log at night.
 * Promises: plain HTML without scripts or anything from elsewhere. Refuses to know: when a problem occurs.
 */
import { jsonName, MEMBER_SCHEMAS } from './problem-members.ts';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode } from './problems.ts';

/** The pages need their own style and nothing else. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
} as const;

const STYLE = `:root{color-scheme:light dark;--line:#8884}body{font:16px/1.55 system-ui,sans-serif;max-width:46rem;
margin:2.5rem auto;padding:0 1.2rem}h1{font-size:1.5rem;margin:.2rem 0 1.2rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}
p{margin:.3rem 0}code{font:.92em ui-monospace,monospace}pre{border:1px solid var(--line);border-radius:6px;padding:.8rem;
overflow-x:auto}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .8rem .35rem 0;
border-bottom:1px solid var(--line);vertical-align:top}nav{font-size:.9rem}`;

function plain(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** `code` in backticks becomes code; everything else is text. */
function prose(text: string): string {
  return plain(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${plain(title)} | Holdfast</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** The page with all codes, by status. */
export function problemsPage(): string {
  const codes = [...PROBLEM_CODES].sort((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
  const rows = codes.map((code) => {
    const { status, title } = PROBLEMS[code];
    return `<tr><td>${status}</td><td><a href="/problems/${code}"><code>${code}</code></a></td><td>${prose(title)}</td></tr>`;
  });
  const body = `<nav><a href="/docs">Calls</a></nav>
<h1>Problems</h1>
<p>Every error of this API is a problem document (RFC 9457): <code>type</code> leads to a page here, <code>code</code> is for programs.</p>
<table><tr><th>Status</th><th>Code</th><th>Means</th></tr>
${rows.join('\n')}
</table>`;
  return page('Problems', body);
}

/** The JSON Schema of a member; a view is named, and found in the OpenAPI document. */
function schemaText(kind: keyof typeof MEMBER_SCHEMAS): string {
  return JSON.stringify(MEMBER_SCHEMAS[kind], (key, value) =>
    key === 'examples' ? undefined : value,
  ).replace(/"(\w+)#"/, '"/openapi.json#/components/schemas/$1"');
}

/** The page of one code: cause, remedy, members with their schemas, and a curl. */
export function problemPage(code: ProblemCode): string {
  const { status, title, cause, remedy, curl, members = {} } = PROBLEMS[code];
  const rows = Object.entries(members).map(
    ([name, { kind, meaning }]) =>
      `<tr><td><code>${plain(jsonName(name))}</code></td><td>${prose(meaning)}<br><code>${plain(schemaText(kind))}</code></td></tr>`,
  );
  const table = rows.length > 0 ? `<h2>In the answer</h2>\n<table>${rows.join('\n')}</table>\n` : '';
  const body = `<nav><a href="/problems">Problems</a> · <a href="/docs">Calls</a></nav>
<h1>${prose(title)}</h1>
<p><code>${code}</code>, status ${status}.</p>
<h2>Cause</h2>
<p>${prose(cause)}</p>
<h2>Remedy</h2>
<p>${prose(remedy)}</p>
${table}<h2>Try</h2>
<pre><code>${plain(curl)}</code></pre>`;
  return page(title, body);
}
