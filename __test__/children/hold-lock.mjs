// Holds a file's lock as RocksDB takes it (fcntl, which Node.js has no call for) until its standard input says something. Perl is
// part of every Debian and Ubuntu; the structure is Linux's of 64 bits.
import { spawn } from 'node:child_process';

const [path] = process.argv.slice(2);
const program = `
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
open(my $file, '>>', $ARGV[0]) or die "open: $!";
my $lock = pack('s s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die "fcntl: $!";
$| = 1;
print "held\\n";
<STDIN>;
`;
const holder = spawn('perl', ['-e', program, path], { stdio: 'inherit' });
holder.on('exit', (code) => process.exit(code ?? 1));
