#!/bin/sh
# Compiles the Java example against the built library and runs it: run.sh [checks | signals], with guests that check for faults
# themselves (what a JVM wants) or with signals shared between the JVM and the host. ASTRID_LIB names the folder of the library
# (target/debug by default); JAVA_HOME, if it is set, the JDK. 2: there is no JDK.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
traps=${1:-checks}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac=${JAVA_HOME:+$JAVA_HOME/bin/}javac
command -v "$javac" > /dev/null || { echo "javac is not installed: a JDK is needed, 17 or later" >&2; exit 2; }
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v "$javac")")")")
[ -f "$jdk/include/jni.h" ] || { echo "the JDK lacks include/jni.h" >&2; exit 2; }

"$root/bindings-c/link.sh" "${ASTRID_LIB:-$root/target/debug}" "$work/lib"
gcc -std=c11 -g -fPIC -shared -Wall -Wextra -Wpedantic -Werror -I"$root/bindings-c/include" -I"$jdk/include" \
    -I"$jdk/include/linux" "$here/agent_jni.c" -o "$work/lib/libagent_jni.so" -L"$work/lib" -lastrid_host -Wl,-rpath,"$work/lib"
"$javac" -Xlint:all,-serial -Werror -d "$work" "$here/Agent.java"
"$root/tests/traps.sh" "$work/traps"
"$jdk/bin/java" -Xcheck:jni --enable-native-access=ALL-UNNAMED -cp "$work" -Djava.library.path="$work/lib" Agent \
    "$root/examples/capsules/concierge" "$work/traps" "$work/home" "$traps" > "$work/said" 2>&1 || { cat "$work/said"; exit 1; }
cat "$work/said"
# What JNI is used for is checked, too; and a JVM that shares its signals says so.
[ "$traps" = signals ] || ! grep -i -e warning -e modified "$work/said"
