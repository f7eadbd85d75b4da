// What is missing in the documents. Each check takes plain data and answers with lines for a person.
import { anchor } from './page.mjs';

/** Exported names, members and codes without a description. */
export function undescribed(declarations) {
  return declarations.flatMap(({ name, description, members }) => [
    ...(description ? [] : [`${name} is exported without a description: write a comment above it`]),
    ...members
      .filter((member) => !member.description)
      .map((member) => `${name}.${member.name} has no description: write a comment above it`),
  ]);
}

/** Documents that the README does not lead to. `pages` are paths in the repository. */
export function unlinked(pages, readme) {
  const targets = new Set(linksOf(readme).map(({ path }) => path));
  return pages
    .filter((page) => !targets.has(page))
    .map((page) => `${page} is linked from nowhere in README.md: add it to "More"`);
}

/** Links to files or headings that are not there. `read` gives a file's text, undefined where there is none. */
export function brokenLinks(page, text, read) {
  return linksOf(text).flatMap(({ path, heading, raw }) => {
    const target = path === '' ? page : resolved(page, path);
    const there = target === page ? text : read(target);
    if (there === undefined) return [`${page} links to ${raw}, which is not there`];
    if (heading === '' || !target.endsWith('.md')) return [];
    return headingsOf(there).has(heading) ? [] : [`${page} links to ${raw}: no heading there is called that`];
  });
}

/** Links inside the repository; those in blocks of code are none. */
function linksOf(markdown) {
  const text = withoutCode(markdown);
  return [...text.matchAll(/\]\(([^)\s#:]*)(?:#([^)\s]*))?\)/g)].map(([raw, path, heading = '']) => ({
    path,
    heading,
    raw: raw.slice(2, -1),
  }));
}

/** The anchors of a page; a heading that comes again gets a number, as GitHub does it. */
function headingsOf(markdown) {
  const seen = new Map();
  return new Set(
    [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
      const name = anchor(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      return times === 0 ? name : `${name}-${times}`;
    }),
  );
}

function withoutCode(markdown) {
  return markdown.replace(/^```.*?^```/gms, '');
}

function resolved(page, path) {
  return new URL(path, `file:///${page}`).pathname.slice(1).replace(/\/$/, '');
}
