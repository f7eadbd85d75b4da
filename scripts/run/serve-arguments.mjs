/** The command line of the server from what was passed to `npm start`: a first argument that is no option is the store. */
export function serveArguments(passed) {
  const [first] = passed;
  return first === undefined || first.startsWith('-') ? ['serve', './data', ...passed] : ['serve', ...passed];
}
