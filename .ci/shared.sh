# What ./run, ./test and .ci/run share: the environment of a build, and the choice of the engine. Sourced, not run.
# $root is the folder of the clone.

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1
solution="$root/Orleans.Policy.sln"

# Everything that is built or remembered goes to one folder. It is artifacts/ in the clone, or, where this user may not
# write there (somebody else's clone), one in the user's cache.
prepare_environment() {
  command -v dotnet > /dev/null 2>&1 || die "the .NET SDK 10 is needed: https://dotnet.microsoft.com/download (dotnet was not found in PATH)"
  if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    # A fixed name, so that packages are fetched once; ours alone, so that nobody can put other ones there.
    export HOME="${TMPDIR:-/tmp}/orleans-policy-home-$(id -u)"
    mkdir -p -m 700 "$HOME" && [ -O "$HOME" ] && [ ! -L "$HOME" ] || die "no writable HOME, and $HOME cannot be used either"
    say "HOME is not writable: using $HOME for the package cache."
  fi
  work="$root/artifacts"
  if ! { mkdir -p "$work" && [ -w "$work" ] && ! has_foreign_files; } 2> /dev/null; then
    work="${XDG_CACHE_HOME:-$HOME/.cache}/orleans-policy/$(printf '%s' "$root" | cksum | cut -d' ' -f1)"
    mkdir -p "$work" || die "neither $root/artifacts nor $work can be written"
    say "$root/artifacts cannot be written by this user: building in $work."
  fi
}

has_foreign_files() {
  [ "$(id -u)" -ne 0 ] && [ -n "$(find "$root/artifacts" -maxdepth 3 ! -user "$(id -u)" -print 2> /dev/null | head -n 1)" ]
}

# Orleans where its packages can be restored, else Embedded. The answer is remembered in artifacts/engine.
choose_engine() {
  engine=${1:-${ENGINE:-}}
  case $engine in
    Orleans | Embedded) return ;;
    '') ;;
    *) die "the engine is Orleans or Embedded, not '$engine'" ;;
  esac
  if [ -r "$work/engine" ]; then
    engine=$(cat "$work/engine")
    case $engine in
      Orleans) return ;;
      Embedded)
        [ "${quiet:-0}" -eq 1 ] || say "Engine: Embedded (the Orleans packages could not be restored here; delete $work/engine to try again)."
        return
        ;;
    esac
  fi
  say "Looking for the Orleans packages (60 s at most) ..."
  if timeout -k 5 60 dotnet restore "$solution" -p:Engine=Orleans "-p:ArtifactsPath=$work/Orleans" -v q > "$work/restore-Orleans.log" 2>&1; then
    engine=Orleans
    say "Engine: Orleans."
  else
    engine=Embedded
    say "Engine: Embedded (the Orleans packages cannot be restored here: $work/restore-Orleans.log)."
  fi
  printf '%s\n' "$engine" > "$work/engine"
}

# A private PostgreSQL needs the server's binaries. On Debian they can be installed, by root.
has_postgres() {
  # Where the server itself looks: Debian's folders, then PATH.
  for _bin in /usr/lib/postgresql/*/bin; do
    [ -x "$_bin/initdb" ] && [ -x "$_bin/pg_ctl" ] && [ -x "$_bin/postgres" ] && return 0
  done
  command -v initdb > /dev/null 2>&1 && command -v pg_ctl > /dev/null 2>&1 && command -v postgres > /dev/null 2>&1
}

need_postgres() {
  has_postgres && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null 2>&1; then
    say "Installing PostgreSQL (Debian's package 'postgresql') ..."
    mkdir -p "$work"
    if ! install_postgres > "$work/apt.log" 2>&1; then
      { apt-get -o DPkg::Lock::Timeout=120 update && install_postgres; } >> "$work/apt.log" 2>&1 || true
    fi
    has_postgres && return 0
    tail -n 5 "$work/apt.log" >&2
  fi
  die "PostgreSQL's server is not installed. Install the package 'postgresql' (Debian, Ubuntu: apt install postgresql), or (for serving) give --connection-string."
}

install_postgres() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends postgresql
}

# The tests of the NATS bridge want its npm packages and a nats-server, and are skipped, saying what is missing, where these cannot
# be had. Both go to a folder of their own: nothing is installed, no service is started.
want_nats() {
  command -v node > /dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || return 0
  _nats="$work/nats"
  mkdir -p "$_nats"
  if command -v npm > /dev/null 2>&1; then
    rm -rf "$_nats/bridge.mjs" "$_nats/src"
    cp -R "$root/deploy/nats/bridge.mjs" "$root/deploy/nats/src" "$_nats/"
    if ! { cmp -s "$root/deploy/nats/package-lock.json" "$_nats/package-lock.json" && [ -d "$_nats/node_modules" ]; }; then
      cp "$root/deploy/nats/package.json" "$root/deploy/nats/package-lock.json" "$_nats/"
      (cd "$_nats" && timeout -k 5 60 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1) > "$_nats/npm.log" 2>&1 || rm -rf "$_nats/node_modules"
    fi
    [ -d "$_nats/node_modules" ] || return 0
    export POLICY_NATS_BRIDGE="$_nats"
  fi
  if ! command -v nats-server > /dev/null 2>&1 && [ ! -x /usr/sbin/nats-server ] && command -v apt-get > /dev/null 2>&1; then
    if [ ! -x "$_nats/server/usr/sbin/nats-server" ]; then
      rm -rf "$_nats/server"
      unpack_nats_server > "$_nats/apt.log" 2>&1 \
        || { [ "$(id -u)" -eq 0 ] && timeout -k 5 60 apt-get -o DPkg::Lock::Timeout=30 update && unpack_nats_server; } >> "$_nats/apt.log" 2>&1 || true
    fi
    [ ! -x "$_nats/server/usr/sbin/nats-server" ] || export POLICY_NATS_SERVER="$_nats/server/usr/sbin/nats-server"
  fi
}

unpack_nats_server() {
  mkdir -p "$_nats/server"
  (cd "$_nats/server" && timeout -k 5 60 apt-get download nats-server && dpkg-deb -x nats-server_*.deb .)
}

# build PROJECT CONFIGURATION: quiet unless it fails. Warnings that are only the machine's (a package feed that does not
# answer about vulnerabilities) do not fail it.
build() {
  _log="$work/build-$engine.log"
  if ! dotnet build "$1" -c "$2" -p:Engine="$engine" "-p:ArtifactsPath=$work/$engine" -m:2 -v q --nologo > "$_log" 2>&1; then
    grep -E 'error|Error' "$_log" | sort -u | head -n 40 >&2 || cat "$_log" >&2
    die "the build failed; all of it is in $_log"
  fi
}

# output PROJECT CONFIGURATION: the folder that a project was built into.
output() {
  printf '%s\n' "$work/$engine/bin/$1/$(printf '%s' "$2" | tr '[:upper:]' '[:lower:]')"
}
