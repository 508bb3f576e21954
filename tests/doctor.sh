#!/bin/sh
# Goal of this test: doctor says in one line each what is wrong with a
# station's machine, database, sshd, backups and peers, and exits 3; when
# nothing is, it finds nothing and exits 0.  dpkg and sshd are played by
# scripts, so that each fault can be had.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() { sshd_stop; }

city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
sql() { # HOME FILE STATEMENT
	"$build/tests/sql" "$T/$1/$2.db" "$3"
}
now() { date +%s000; }
backed_up() { # HOME DAYS-AGO
	sql "$1" local "UPDATE setting SET value = ($(now) - $2 * 86400000) ||
		substr(value, instr(value, ' ')) WHERE name = 'backup'"
}

# --- the players --------------------------------------------------------------
mkdir bin
cat >bin/dpkg-query <<'S'
#!/bin/sh
for p; do :; done
case $p in "$OLD") echo 1.0-1 ;; "$GONE") exit 1 ;; *) echo 99.0-1 ;; esac
S
cat >bin/dpkg <<'S'
#!/bin/sh
[ "$2" = 99.0-1 ]
S
cat >bin/sshd <<'S'
#!/bin/sh
cat "$SSHD_SAYS" 2>/dev/null
S
chmod +x bin/*
cat >sshd.good <<'C'
ciphers aes128-ctr,aes256-ctr
macs hmac-sha2-256,hmac-sha2-512
kexalgorithms curve25519-sha256
hostkeyalgorithms ssh-ed25519
pubkeyacceptedalgorithms ssh-ed25519
maxstartups 150:30:300
authorizedkeyscommand /usr/lib/yizhan/authorized-keys
C
OLD='' GONE='' SSHD_SAYS=$T/sshd.good
export OLD GONE SSHD_SAYS
real=$PATH

doctor() { PATH=$T/bin:$real "$yizhan" -C "$T/$1" doctor; }
finds() { # HOME PATTERN WHAT: exit 3, and one line with a mark that matches
	finds_rc=0
	doctor "$1" >said 2>&1 || finds_rc=$?
	if [ "$finds_rc" -eq 3 ] && grep -Eq "^! $2" said; then
		pass "$3"
	else
		fail "$3" "exit $finds_rc: $(cat said)"
	fi
}

# --- a station alone ----------------------------------------------------------
city init 520300 --top >/dev/null
finds city 'backup: none was ever made: yizhan backup FILE' "no backup yet"
is "$(grep -c '^!' said)" 1 "and nothing else is found"
echo 'correct horse' >pass
echo 'battery staple' >other
mkdir backups
city backup backups/a --passphrase pass >/dev/null 2>&1
status 0 "with a backup there is nothing to find" doctor city
like "$(doctor city)" '^  station: 520300 遵义市$' "it says whose station it is"
like "$(doctor city)" 'backup: the last is of 20.*, as it was written \(opened by its passphrase\): .*/backups/a$' \
	"and that the backup is whole, and where"
backed_up city 3
finds city 'backup: the last is of ' "an old backup is found"
backed_up city 0

# --- the backup's file --------------------------------------------------------
cp backups/a good
head -c -1 good >backups/a
finds city 'backup: .*/a has [0-9]* bytes and had [0-9]* when it was written: make' \
	"one that was cut is found"
flip() { # AT
	cp good backups/a
	byte=$(od -An -tu1 -j "$1" -N 1 good)
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" |
		dd of=backups/a bs=1 seek="$1" conv=notrunc 2>/dev/null
}
flip 3
finds city 'backup: .*/a is damaged \(not a backup' "so is a damaged head"
flip $(($(stat -c %s good) / 2))
finds city 'backup: .*/a is damaged \(it is not as it was written' \
	"and one bit in the middle, without the passphrase"
mv backups/a gone
finds city 'backup: the last, of 20.*, is not there any more: ' "one that is gone too"
mv backups away
status 0 "one on a disk that is not here is no finding" doctor city
like "$(doctor city)" 'on a disk that is not here now' "but is said"
mv away backups
cp good backups/a
with() { PATH=$T/bin:$real city doctor --passphrase "$1"; }
status 0 "with its passphrase" with pass
like "$(with pass)" 'opened with the passphrase just now' "it is read whole"
status 3 "another passphrase in the file is found" with other
like "$(with other)" '^! backup: the passphrase in other does not open .*/a: ' \
	"and a line says that it does not open the backup"
status 1 "a passphrase file that is not there is an error" with nowhere

# --- the console's certificate -----------------------------------------------------
unlike "$(doctor city)" certificate: "without one there is no line"
pair() { # FROM-DAYS UNTIL-DAYS
	first=$(date -u -d "$1 days" +%y%m%d%H%M%SZ)
	last=$(date -u -d "$2 days" +%y%m%d%H%M%SZ)
	: >ca.index && echo 01 >ca.serial
	cat >ca.conf <<C
[ca]
default_ca=me
[me]
database=$T/ca.index
serial=$T/ca.serial
new_certs_dir=$T
default_md=sha256
policy=any
[any]
commonName=supplied
C
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=console -keyout city/keys/console.key -out csr 2>/dev/null &&
		openssl ca -batch -config ca.conf -selfsign -notext \
			-keyfile city/keys/console.key -startdate "$first" \
			-enddate "$last" -in csr \
			-out city/keys/console.crt 2>/dev/null
}
ok "(a certificate for 400 days)" pair -1 400
like "$(doctor city)" "^  certificate: the console's is good until 20.*, days left: 399" \
	"is good, and its days are counted"
ok "(one for 20 days)" pair -1 20
finds city "certificate: the console's ends at 20.*, days left: 19: put a new one into" \
	"one that ends soon is found"
ok "(one of yesterday)" pair -3 -1
finds city "certificate: the console's ended at 20.*: put a new one" "one that ended too"
ok "(one of tomorrow)" pair 1 9
finds city "certificate: the console's is good from 20.* on only: set the clock" \
	"and one that has not begun"
pair -1 400
cp city/keys/ssh city/keys/console.key
finds city 'certificate: console.key is no private key.*: put the right pair' \
	"a key that is none"
openssl ecparam -genkey -name prime256v1 -noout -out city/keys/console.key
finds city 'certificate: console.key is not the key of console.crt: put' \
	"and another's key"
rm city/keys/console.key
finds city 'certificate: console.key is not beside console.crt: ' "and none"
rm city/keys/console.crt

like "$(doctor city)" '^  scrub: none was run yet' "a scrub is still to come"
scrubbed() { # MS MENDED LEFT
	sql city local "INSERT OR REPLACE INTO setting VALUES
		('scrub', '$1 $2 $3')"
}
scrubbed "$(now)" 0 2
finds city 'scrub: that of .* left 2 things damaged' "damage that stayed is found"
scrubbed "$(now)" 3 0
finds city 'scrub: .* put 3 things right: the disk is going bad' \
	"so is a disk that goes bad"
scrubbed "$(($(now) - 16 * 86400000))" 0 0
finds city 'scrub: the last is of ' "and a scrub long ago"
city scrub >/dev/null
like "$(doctor city)" '^  scrub: that of 20.* found nothing' "one today is good"

OLD=libgit2-1.5
finds city 'library: libgit2-1.5 1.0-1 is older than 1\.5\.1.*apt-get install' \
	"a library with known holes is found, and what to do said"
OLD=
control=$top/packaging/debian/control
[ -e "$control" ] || control=$top/debian/control # where a package is built
wants=$(sed -n 's/^ \(lib[^ ]*\) (>= \([^)]*\)).*/\1 \2/p' "$control" | sort)
isnt "$wants" "" "the package has libraries that it wants at least"
is "$(sed -n 's/^ *{"\(lib[^"]*\)", "\(.*\)"},$/\1 \2/p' \
	"$top/src/model/doctor_library.c" | sort)" "$wants" \
	"and doctor holds them to the same"
GONE=libssh2-1
status 0 "one that is not there is none" doctor city
GONE=

chmod 644 city/keys/sign
finds city 'files: others may read or write .*/keys/sign: chmod u=rw,go= ' \
	"a key that others may read is found"
chmod 600 city/keys/sign
[ -e city/keys/console.crt ] || : >city/keys/console.crt
chmod 644 city/keys/console.crt
unlike "$(doctor city)" 'others may read or write .*console.crt' \
	"a certificate is for everybody to read"
rm city/keys/console.crt
chmod 777 city
finds city 'files: others may write .*city: chmod go-w' "an open HOME too"
chmod 700 city
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 city/local.db
	finds city 'files: .*local.db belongs to 12345, not to root' \
		"and files of another user"
	chown 0 city/local.db
fi

sql city yizhan "UPDATE _chain SET time = time + 3 * 86400000"
finds city 'clock: it says .*last wrote at .*timedatectl' \
	"a clock behind what the station wrote is found"
sql city yizhan "INSERT OR REPLACE INTO _meta VALUES ('offset', 0),
	('contact', $(now))"
status 0 "but not once a contact has shown it to be right" doctor city
sql city yizhan "DELETE FROM _meta WHERE name IN ('offset', 'contact');
	UPDATE _chain SET time = time - 3 * 86400000"

# --- a copy -----------------------------------------------------------------------
cp -a city moved
finds moved 'station: 520300 .*came back from a copy .*: make sure .*resume --alone$' \
	"a station that was copied writes nothing, which is found, and what to do"
status 0 "the one it was copied from is well" doctor city
ok "(it goes on)" "$yizhan" -C "$T/moved" resume --alone
unlike "$(doctor moved)" 'from a copy' "after that the copy is no finding"

# --- the clock's keeper -------------------------------------------------------------
like "$(doctor city)" '^  clock: 20[^ ]*, kept by (a|no) time service' \
	"the kernel says whether a time service keeps the clock"
# As in the daemon's sandbox; LeakSanitizer does not work below strace.
unheard=$(ASAN_OPTIONS=detect_leaks=0 PATH=$T/bin:$real strace -f --seccomp-bpf -qq -o trace \
	-e trace=adjtimex,clock_adjtime -e signal=none \
	-e inject=adjtimex,clock_adjtime:error=EPERM "$yizhan" -C city doctor)
ok "where it may not be asked" grep -q 'EPERM.*INJECTED' trace
if [ -e /run/systemd/timesync/synchronized ]; then
	like "$unheard" '^  clock: .* kept by a time service' "systemd's mark tells"
else
	like "$unheard" '^  clock: .*; whether a time service keeps it could not be' \
		"nothing is made up"
fi

# --- sshd ---------------------------------------------------------------------
ok "sshd starts" sshd_start
city invite 520302 --address "127.0.0.1:$port" --host-key sshd/host.pub \
	-o invitation
status 0 "a good sshd is no finding" doctor city
grep -v authorizedkeyscommand sshd.good >sshd.bad
SSHD_SAYS=$T/sshd.bad
finds city 'sshd: .*does not ask the roster' "one that does not ask the roster is"
sed 's/aes256-ctr/aes256-gcm/' sshd.good >sshd.bad
finds city 'sshd: its ciphers lack aes256-ctr' "one without our cipher too"
sed 's/^macs .*/macs hmac-sha2-512-etm@openssh.com/' sshd.good >sshd.bad
finds city 'sshd: its macs lack hmac-sha2-512' "a longer name is not ours"
sed 's/150:30:300/0:30:100/' sshd.good >sshd.bad
finds city 'sshd: 1 stations may call at once.*MaxStartups' \
	"one that drops callers too"
: >sshd.bad
finds city 'sshd: it refuses its configuration' "one that does not start too"
SSHD_SAYS=$T/sshd.good

# --- peers --------------------------------------------------------------------
city keys --authorized >sshd/keys
fingerprint=$(county join invitation --recovery sheet | head -n 1)
county backup backups/b --to-recovery >/dev/null 2>&1
finds county 'station: 520302 is not in the roster yet' "a station to confirm"
city confirm 520302 "$fingerprint" >/dev/null
city keys --authorized >sshd/keys
county sync >/dev/null 2>&1
status 0 "the county finds nothing" doctor county
like "$(doctor county)" 'as it was written \(opened by the recovery key on paper\)' \
	"its backup is to the recovery key"
county rotate --recovery sheet --new sheet2 -o request >/dev/null
city rotate --take request >/dev/null
city keys --authorized >sshd/keys
county sync >/dev/null 2>&1
# The session that brought the new keys may have ended with the old ones.
settled() { county sync && ! { doctor city | grep -q '^! child'; }; }
ok "(the keys are changed)" wait_for 30 settled
finds county 'backup: .*/b is encrypted to a recovery key that was replaced: make' \
	"after a rotation that it is to the paper before is found"
county backup backups/c --to-recovery >/dev/null 2>&1
status 0 "a new one is to the new paper" doctor county
like "$(doctor county)" '^  parent: 520300 遵义市: in contact at 2' \
	"and says when it was in contact"
status 0 "nor does the city" doctor city
like "$(doctor city)" '^  child: 520302 ' "which has a child"
sql county local "UPDATE peer SET last_contact = last_contact - 2 * 86400000"
finds county 'parent: 520300 .*no contact since' "silence for two days is found"
sql county local "UPDATE peer SET last_contact = $(now), trouble = 'cut off'"
finds county 'parent: 520300 .*the last session failed: cut off' \
	"and what went wrong said"
sql county local "UPDATE peer SET trouble = '', offset = 4000000"
finds county 'clock: .* -4000 s from the parent' "a clock that is off is found"
sql county local "UPDATE peer SET offset = 0;
	INSERT INTO refusal VALUES ('520300', 'x/resource', 7, 'because')"
finds county 'parent: 520300: x/resource is stuck at 7: because' \
	"a stuck chain is found, and why"
sql county local "DELETE FROM refusal"
status 0 "after that it is well again" doctor county
cp -a county moved-county
finds moved-county 'station: 520302 .*came back from a copy .*until yizhan sync' \
	"a copy with a parent is to ask that"
sql city yizhan "UPDATE _chain SET time = 4070908800000
	WHERE name LIKE '520302-%'"
finds city 'child: 520302 .*what it wrote last is dated 2099-.* set right there' \
	"a child that writes of 2099 is named"
unlike "$(doctor city)" timedatectl "and nobody is told to set a right clock"
like "$(doctor city)" '^  clock: ' "which is said to be good"
sql city yizhan "UPDATE _chain SET time = $(now) WHERE name LIKE '520302-%'"
status 0 "when it writes of today it is well" doctor city
sql city local "DELETE FROM peer"
finds city 'child: 520302 .*never in contact' "a child that never called is found"

# --- a stolen machine (T11): is the disk encrypted? ---------------------------------
flags=-m
[ "$(id -u)" -eq 0 ] || flags=-rm
device=$(stat -c %Hd:%Ld county)
mkdir -p "devices/$device/slaves" volumes/open/dm volumes/locked/dm
echo LVM-x >volumes/open/dm/uuid
echo CRYPT-LUKS2-x >volumes/locked/dm/uuid
on_disk() { # what doctor says of it where the kernel's folder is ours
	# shellcheck disable=SC2016,SC2086
	PATH=$T/bin:$real unshare $flags sh -c \
		'mount --bind devices /sys/dev/block && exec "$@"' sh \
		"$yizhan" -C "$T/county" doctor 2>&1 | grep '^..disk: it is'
}
like "$(on_disk)" 'it is not encrypted: who steals' "a disk in the clear is told"
ln -s "$T"/volumes/locked "devices/$device/slaves"
like "$(on_disk)" 'it is encrypted' "so is a volume on an encrypted one"
ln -s "$T"/volumes/open "devices/$device/slaves"
like "$(on_disk)" 'it is not encrypted' "half of it in the clear is in the clear"

# --- forms --------------------------------------------------------------------
json=$(PATH=$T/bin:$real county doctor --json)
like "$json" '^\{"what":"station","good":true,"text":"520302 .*"\}$' "--json"
like "$(PATH=$T/bin:$real LC_ALL=zh_CN.UTF-8 "$yizhan" -C "$T/county" doctor)" \
 '^  本站：520302 ' "in Chinese where the locale is"
dd if=/dev/zero of=county/yizhan.db bs=4096 seek=3 count=20 conv=notrunc \
	2>/dev/null
rm -f county/yizhan.db-wal county/yizhan.db-shm
finds county '(database|station): .*(damaged|malformed|disk image)' \
	"a damaged database is found"
tap_done
