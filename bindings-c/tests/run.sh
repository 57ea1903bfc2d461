#!/bin/sh
# Compiles the C tests against the built library and runs them; `--valgrind` runs them under valgrind.
# ASTRID_LIB names the folder of the library (target/debug by default).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=${ASTRID_LIB:-$root/target/debug}
work=$(mktemp -d)
in_memory=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$work" "$in_memory"' EXIT

under=
[ "${1:-}" = --valgrind ] && under="valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
# Under valgrind a hundred thousand triggers take too long, and a child of fork leaves behind what only the parent's threads
# could have freed, so there is nothing to count in it.
programs="abi answers dispatch lifecycle questions signals told"
[ -n "$under" ] || programs="$programs endurance fork"

"$root/bindings-c/link.sh" "$lib" "$work/lib"
warn="-Wall -Wextra -Wpedantic -Werror -I$root/bindings-c/include"
link="-L$work/lib -lastrid_host -Wl,-rpath,$work/lib -pthread"

# What the shared library shows is ours alone.
others=$(nm -D --defined-only "$work/lib/libastrid_host.so" | awk '{ print $NF }' | grep -v '^astrid_' || true)
[ -z "$others" ] || { echo "the library exports more than astrid_*:"; echo "$others"; exit 1; }
[ "$(readelf -d "$work/lib/libastrid_host.so" | grep -c -e 'SONAME.*libastrid_host.so.0' -e 'NODELETE')" = 2 ] ||
    { echo "the library lacks its soname or nodelete"; exit 1; }

# An installed copy is found by pkg-config, and its archive shows what is ours alone.
"$root/bindings-c/install.sh" "$lib" "$work/installed"
others=$(nm -g --defined-only "$work/installed/lib/libastrid_host.a" | awk 'NF == 3 { print $3 }' | grep -v '^astrid_' || true)
[ -z "$others" ] || { echo "the archive shows more than astrid_*:"; echo "$others" | head; exit 1; }
export PKG_CONFIG_PATH="$work/installed/lib/pkgconfig"
[ "$(pkg-config --modversion astrid-host)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)" ]
gcc -std=c11 $(pkg-config --cflags astrid-host) -x c - -o "$work/static" -Wl,--gc-sections \
    -Wl,-Bstatic $(pkg-config --libs astrid-host) -Wl,-Bdynamic $(pkg-config --static --libs astrid-host | sed 's/.*-lastrid_host//') <<'C'
#include <astrid_host.h>
int main(void) { return astrid_abi_version() == ASTRID_ABI_VERSION ? 0 : 1; }
C
"$work/static"

gcc -std=c11 $warn -c "$here/c/twice.c" -o "$work/twice.o"
g++ -std=c++17 $warn "$here/c/twice.cc" "$work/twice.o" -o "$work/twice" $link
"$work/twice"
# C++17 reads the face, and what it makes is freed.
g++ -std=c++17 -g $warn "$here/c/face.cc" -o "$work/face" $link

guest() {
    python3 -c 'import json, os, sys
guest = json.load(open(sys.argv[1] + "/target/guests/index.json"))["puppet"]
print(os.path.join(sys.argv[1], guest["path"]) if sys.argv[2] == "path" else guest[sys.argv[2]])' "$root" "$1"
}
puppet=$(guest path)
hash=$(guest hash)

passed=0
failed=0
# tally NAME COMMAND…: counts whether the command succeeds.
tally() {
    tried=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED $tried"
        failed=$((failed + 1))
    fi
}

for name in $programs; do
    gcc -std=gnu11 $warn "$here/c/$name.c" "$here/c/check.c" -o "$work/$name" $link
    mkdir "$work/home-$name"
    # Homes that lie in memory open thirty times as fast as those on a disk.
    [ $name != endurance ] || { rmdir "$work/home-$name"; ln -s "$in_memory" "$work/home-$name"; }
    tally "bindings-c/tests/c/$name.c" timeout 240 $under "$work/$name" "$work/home-$name" "$puppet" "$hash"
done
mkdir "$work/home-face"
tally bindings-c/tests/c/face.cc timeout 120 $under "$work/face" "$work/home-face" "$puppet" "$hash"

# What these programs do, and what the library allocates for them, is watched by the sanitizers as well.
[ -n "$under" ] || for name in abi answers dispatch lifecycle questions told; do
    gcc -std=gnu11 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined $warn "$here/c/$name.c" "$here/c/check.c" \
        -o "$work/$name-watched" $link
    mkdir "$work/home-$name-watched"
    tally "bindings-c/tests/c/$name.c, watched" timeout 120 "$work/$name-watched" "$work/home-$name-watched" "$puppet" "$hash"
done
freed_twice() {
    gcc -std=c11 -g -fsanitize=address $warn "$here/c/freed.c" -o "$work/freed" $link
    ! "$work/freed" 2> "$work/freed.log" && grep -q 'attempting double-free' "$work/freed.log"
}
tally "a handle freed twice is reported" freed_twice

# CMake finds the installed copy, shared and static.
mkdir "$work/cmake"
cat > "$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(first C CXX)
find_package(astrid-host 0.1 REQUIRED)
set(CMAKE_CXX_STANDARD 17)
add_executable(shared first.c)
target_link_libraries(shared astrid-host::shared)
add_executable(static first.c)
target_link_libraries(static astrid-host::static)
target_link_options(static PRIVATE -Wl,--gc-sections)
add_executable(face first.cc)
target_link_libraries(face astrid-host::shared)
CMAKE
printf '#include <astrid_host.h>\nint main(void) { return astrid_abi_version() == ASTRID_ABI_VERSION ? 0 : 1; }\n' > "$work/cmake/first.c"
printf '#include <astrid_host.hpp>\nint main() { return astrid_version() ? 0 : 1; }\n' > "$work/cmake/first.cc"
built_by_cmake() {
    if ! { cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$work/installed" &&
        cmake --build "$work/cmake/build"; } > "$work/cmake/log" 2>&1; then
        cat "$work/cmake/log"
        return 1
    fi
    "$work/cmake/build/shared" && "$work/cmake/build/static" && "$work/cmake/build/face"
}
tally "the CMake package" built_by_cmake
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
