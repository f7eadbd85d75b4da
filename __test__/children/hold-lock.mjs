// Holds a file's lock as RocksDB takes it (fcntl, which Node.js has no call for) until its standard input says something.
import { spawn } from 'node:child_process';

const [path] = process.argv.slice(2);
const program = `
import fcntl, sys
file = open(sys.argv[1], 'a')
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print('held', flush=True)
sys.stdin.readline()
`;
const holder = spawn('python3', ['-c', program, path], { stdio: 'inherit' });
holder.on('exit', (code) => process.exit(code ?? 1));
