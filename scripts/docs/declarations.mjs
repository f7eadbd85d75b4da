// What the package exports, as its sources declare it: names, signatures and the comments on them. The compiler's own
// syntax tree, since no generator of pages reads this compiler's version (TypeDoc ends at TypeScript 6).
import { dirname, join } from 'node:path';
import { SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';
import { root } from '../root.mjs';

/**
 * Every export of `entry`, in the order of the declarations in their files, file by file:
 * `{ name, kind, signatures, bases, members, description, parameters, returns, throws, examples }`, where a member is the
 * same without bases and members. What is marked `@internal` is left out.
 */
export function exportedDeclarations(entry = 'index.ts', config = 'tsconfig.json') {
  const compiler = new API({ cwd: root });
  try {
    const [project] = compiler.updateSnapshot({ openProjects: [join(root, config)] }).getProjects();
    const source = (path) => project.program.getSourceFile(path);
    const files = new Map();
    for (const { kind, moduleSpecifier, exportClause } of source(join(root, entry)).statements) {
      if (kind !== SyntaxKind.ExportDeclaration) continue;
      const file = join(root, dirname(entry), moduleSpecifier.text.replace(/\.js$/, '.ts'));
      const names = exportClause.elements.map(({ name }) => name.text);
      files.set(file, [...(files.get(file) ?? []), ...names]);
    }
    return [...files].flatMap(([file, names]) => declarationsOf(source(file), names));
  } finally {
    compiler.close();
  }
}

function declarationsOf(file, names) {
  const found = new Map();
  for (const node of file.statements) {
    if (!names.includes(node.name?.text)) continue;
    addTo(found, node.name.text, node, file);
  }
  const missing = names.find((name) => !found.has(name));
  if (missing) throw new Error(`${file.fileName} exports ${missing}, which no statement of it declares`);
  return [...found.values()];
}

/** Adds a declaration, or one more signature of the same name. */
function addTo(found, name, node, file) {
  const earlier = found.get(name);
  // An implementation is not part of what it overloads.
  if (earlier && !node.body) earlier.signatures.push(signatureOf(node, file));
  if (earlier) return;
  found.set(name, {
    name,
    kind: KINDS[node.kind] ?? SyntaxKind[node.kind],
    signatures: [signatureOf(node, file)],
    bases: (node.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => textOf(type, file))),
    members: node.members ? membersOf(node, file) : [],
    ...commentOf(node, file),
  });
}

const KINDS = {
  [SyntaxKind.FunctionDeclaration]: 'function',
  [SyntaxKind.InterfaceDeclaration]: 'interface',
  [SyntaxKind.ClassDeclaration]: 'class',
  [SyntaxKind.TypeAliasDeclaration]: 'type',
  [SyntaxKind.MethodSignature]: 'method',
  [SyntaxKind.MethodDeclaration]: 'method',
  [SyntaxKind.PropertySignature]: 'property',
  [SyntaxKind.PropertyDeclaration]: 'property',
  [SyntaxKind.IndexSignature]: 'index',
};

function membersOf(node, file) {
  const found = new Map();
  for (const member of node.members) {
    const name = member.name ? textOf(member.name, file) : signatureOf(member, file);
    if (!isInternal(member) && !name.startsWith('#')) addTo(found, name, member, file);
  }
  return [...found.values()].map(({ bases, members, ...member }) => member);
}

function isInternal(node) {
  return (node.jsDoc ?? []).some(({ tags }) => tags?.some(({ tagName }) => tagName.text === 'internal'));
}

/** A declaration as one writes it, without its body and its members. */
function signatureOf(node, file) {
  const end = node.body?.pos ?? (node.members ? node.members.pos : node.end);
  const text = file.text.slice(node.getStart(file), end);
  return text
    .replace(/^(?:(?:export|async|declare) )+/, '')
    .replace(/\s*[;{]?\s*$/, '')
    .replace(/\n {2}/g, node.parent?.members ? '\n' : '\n  ');
}

function textOf(node, file) {
  return file.text.slice(node.getStart(file), node.end);
}

function commentOf(node, file) {
  const comment = node.jsDoc?.at(-1);
  const tags = (name) => (comment?.tags ?? []).filter(({ tagName }) => tagName.text === name);
  const texts = (name) => tags(name).map((tag) => plain(tag.comment, file));
  return {
    description: plain(comment?.comment, file),
    parameters: tags('param').map((tag) => ({
      name: textOf(tag.name, file),
      text: plain(tag.comment, file),
    })),
    returns: texts('returns'),
    throws: texts('throws'),
    examples: texts('example'),
  };
}

function plain(parts, file) {
  return (parts ?? [])
    .map((part) => part.text ?? textOf(part, file))
    .join('')
    .trim();
}
