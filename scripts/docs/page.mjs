// The page of the API, from what `declarations.mjs` found.

const HEADER = `# The API

Made from the types by \`npm run docs\`; what is wrong here is mended in the comments of \`src/\`.
A first program is in the [README](../README.md), each error code in [errors.md](errors.md), what an answered write
survives in [durability.md](durability.md), and which URL is for what in [choose.md](choose.md).
`;

/** The whole page. */
export function apiPage(declarations) {
  const ordered = inReadingOrder(declarations);
  const names = new Set(ordered.map(({ name }) => name));
  const sections = ordered.map((declaration) => section(declaration, names));
  const page = [HEADER, contents(ordered), ...sections].join('\n').trimEnd();
  // A comment names a document by its path; from this page one can go there.
  return `${page.replace(/`docs\/([\w-]+\.md)`/g, '[$1]($1)')}\n`;
}

/** What one calls comes first, then what that takes and gives, in the order of the sources. */
function inReadingOrder(declarations) {
  const rank = ({ kind, members }) => {
    if (kind === 'function') return 0;
    if (kind === 'interface' && members.some((member) => member.kind === 'method')) return 1;
    return kind === 'class' ? 3 : 2;
  };
  return declarations.toSorted((a, b) => rank(a) - rank(b));
}

function contents(declarations) {
  const lines = declarations.map((declaration) => {
    const { name, members } = declaration;
    const methods = members.filter(({ kind }) => kind === 'method');
    const links = methods.map((method) => `[${method.name}](#${anchor(title(declaration, method))})`);
    const own = `- [${name}](#${anchor(title(declaration))})`;
    return links.length > 0 ? `${own}: ${links.join(' · ')}` : own;
  });
  return `${lines.join('\n')}\n`;
}

function section(declaration, names) {
  const { bases, members } = declaration;
  const known = bases.filter((base) => names.has(bare(base)));
  const methods = members.filter(({ kind }) => kind === 'method');
  const fields = members.filter(({ kind }) => kind !== 'method');
  return [
    `## ${title(declaration)}\n`,
    code(declaration.signatures),
    body(declaration, fields.length + methods.length > 0 ? new Set() : names),
    known.length > 0 ? `Has all of ${known.map((base) => link(bare(base))).join(' and ')}, and:\n` : '',
    fields.length > 0 ? `${fields.map(field).join('\n')}\n` : '',
    ...methods.map((method) => methodSection(declaration, method, names)),
  ]
    .filter(Boolean)
    .join('\n');
}

function methodSection(declaration, method, names) {
  return [`### ${title(declaration, method)}\n`, code(method.signatures), body(method, names)].join('\n');
}

/** `open`, `View`, `view.get`, `HitError.is`. */
function title(declaration, method) {
  if (!method) return declaration.name;
  const isStatic = method.signatures[0].startsWith('static ');
  return `${isStatic ? declaration.name : declaration.name.toLowerCase()}.${method.name}`;
}

function field({ signatures, description, throws }) {
  const text = [description, ...throws.map(thrown)].filter(Boolean).join(' ');
  return `- \`${oneLine(signatures[0])}\`${text ? `: ${oneLine(text)}` : ''}`;
}

function body({ description, parameters, returns, throws, examples, signatures }, names) {
  const used = typesIn(signatures, names);
  return [
    description && `${description}\n`,
    parameters.length > 0 && `${parameters.map(({ name, text }) => `- \`${name}\`: ${text}`).join('\n')}\n`,
    returns.length > 0 && `*Returns* ${returns.map(firstSmall).join(' ')}\n`,
    throws.length > 0 && `${throws.map(thrown).join(' ')}\n`,
    used.length > 0 && `See ${used.map(link).join(', ')}.\n`,
    ...examples.map((example) => `\`\`\`ts\n${example}\n\`\`\`\n`),
  ]
    .filter(Boolean)
    .join('\n');
}

/** The types that a reader may have to look up. `Key` is in most signatures, and known after the first. */
function typesIn(signatures, names) {
  const text = signatures.map((signature) => signature.replace(/^\w+ \w+/, '')).join('\n');
  return [...names].filter((name) => name !== 'Key' && new RegExp(`\\b${name}\\b`).test(text));
}

function thrown(text) {
  return `*Throws* ${firstSmall(text)}`;
}

/** A sentence that goes on from a word before it. */
function firstSmall(text) {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function code(signatures) {
  return `\`\`\`ts\n${signatures.join('\n')}\n\`\`\`\n`;
}

function link(name) {
  return `[${name}](#${anchor(name)})`;
}

/** A base without its type arguments. */
function bare(base) {
  return base.replace(/<.*/s, '');
}

function oneLine(text) {
  return text.replace(/\s*\n\s*/g, ' ');
}

/** The anchor that GitHub makes of a heading. */
export function anchor(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
