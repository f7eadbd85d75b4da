/** The program and arguments that run npm: the npm that runs us where there is one, else the one on PATH. */
export function npmCommand(args) {
  const running = process.env.npm_execpath;
  if (running && /npm(-cli)?\.c?js$/.test(running)) return [process.execPath, [running, ...args]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', args];
}
