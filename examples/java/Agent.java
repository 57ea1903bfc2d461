import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * A small agent host in Java: it installs a capsule, answers what the capsule asks, and shows that Java's own faults stay Java's.
 *
 * <p>The machine finds null pointers, divisions by zero and the end of a stack by signals, and stops its threads by one; guests
 * trap by the same signals. Each has to get its own, whoever comes first.
 *
 * <p>{@code java Agent CONCIERGE TRAPS HOME checks|signals}: folders of two capsules, one of which traps, a folder that is new, and
 * whether guests check for faults themselves, which leaves the signals to Java alone, or share them. Both work; a machine that
 * is started with {@code -Xcheck:jni} complains of the second.
 */
public final class Agent {
    static final int SITES = 20;
    static final int FAULTS = 100;

    /** What the library refused or a guest did wrong, by the code that is the same in every language. */
    static final class Failure extends RuntimeException {
        final String code;

        Failure(byte[] code, byte[] message) {
            super(text(code) + ": " + text(message));
            this.code = text(code);
        }
    }

    static final class Box {
        int value = 1;
    }

    /** Faults in two ways: without a box, and with a box of nothing. */
    static final class Site implements ToIntFunction<Box> {
        @Override
        public int applyAsInt(Box box) {
            return 1000 / box.value;
        }
    }

    private final List<String> asked = new ArrayList<>();

    private native long open(byte[] home, boolean checks);

    private static native long load(long host, byte[] folder);

    private static native byte[] trigger(long capsule, byte[] action, byte[] payload);

    private static native void free(long capsule);

    private static native void close(long host);

    /** Tea is fine, whatever it costs; nothing else is. */
    private boolean approve(byte[] resource) {
        asked.add(text(resource));
        if (text(resource).startsWith("shout")) {
            throw new IllegalStateException("I will not be shouted at");
        }
        return text(resource).startsWith("tea");
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return (text + '\0').getBytes(StandardCharsets.UTF_8);
    }

    private static String call(long capsule, String action, String payload) {
        return text(trigger(capsule, bytes(action), bytes(payload)));
    }

    private static void expect(Object wanted, Object found) {
        if (!wanted.equals(found)) {
            throw new AssertionError("expected " + wanted + ", found " + found);
        }
    }

    /** Provokes faults in compiled code and returns how many exceptions came of them. */
    private static int provoke() throws ReflectiveOperationException, IOException {
        byte[] code;
        try (var stream = Agent.class.getResourceAsStream("Agent$Site.class")) {
            code = stream.readAllBytes();
        }
        int caught = 0;
        for (int site = 0; site < SITES; site++) {
            // The compiler checks for null by a fault only where it has never seen null, so each round has a class of its own.
            @SuppressWarnings("unchecked")
            var fresh = (ToIntFunction<Box>) MethodHandles.lookup().defineHiddenClass(code, true).lookupClass()
                    .getDeclaredConstructor().newInstance();
            var box = new Box();
            for (int i = 0; i < 20_000; i++) {
                fresh.applyAsInt(box);
            }
            box.value = 0;
            for (int i = 0; i < FAULTS; i++) {
                try {
                    fresh.applyAsInt(i % 2 == 0 ? null : box);
                } catch (NullPointerException | ArithmeticException expected) {
                    caught++;
                }
            }
        }
        try {
            endless(0);
        } catch (StackOverflowError expected) {
            caught++;
        }
        return caught;
    }

    private static int endless(int depth) {
        return endless(depth + 1) + depth;
    }

    private static void faults(String when) throws ReflectiveOperationException, IOException {
        expect(SITES * FAULTS + 1, provoke());
        System.out.println("faults " + when + ": all of them exceptions");
    }

    private static void trap(long traps) {
        try {
            call(traps, "stray", "");
        } catch (Failure failure) {
            expect("guest_trap", failure.code);
            return;
        }
        throw new AssertionError("the guest did not trap");
    }

    // Only later machines know the word: to them a library of C is a restricted thing.
    @SuppressWarnings("restricted")
    public static void main(String[] arguments) throws Exception {
        System.loadLibrary("agent_jni");
        var agent = new Agent();
        faults("before a host is open");
        long host = agent.open(bytes(arguments[2]), arguments[3].equals("checks"));
        long concierge = load(host, bytes(arguments[0]));
        long traps = load(host, bytes(arguments[1]));
        faults("beside a host");

        System.out.println("greet: " + call(concierge, "greet", ""));
        expect("approved", call(concierge, "buy", "{\"item\":\"tea\",\"price\":3}"));
        expect("refused", call(concierge, "buy", "{\"item\":\"yacht\",\"price\":1000000}"));
        try {
            call(concierge, "buy", "{\"item\":\"shouting\"}");
            throw new AssertionError("what a callback throws is lost");
        } catch (IllegalStateException expected) {
            System.out.println("buy shouting: " + expected.getMessage());
        }
        expect(List.of("tea for 3", "yacht for 1000000", "shouting"), agent.asked);
        System.out.println("asked: " + agent.asked);
        faults("between calls");

        trap(traps);
        faults("after a guest's trap");

        // Guests run and trap on this thread for as long as another one faults, and the collector stops both.
        var seen = new int[1];
        var other = new Thread(() -> {
            try {
                seen[0] = provoke();
            } catch (ReflectiveOperationException | IOException impossible) {
                throw new AssertionError(impossible);
            }
        });
        other.start();
        int calls = 0;
        do {
            call(concierge, "greet", "");
            trap(traps);
            System.gc();
            calls++;
        } while (other.isAlive());
        other.join();
        expect(SITES * FAULTS + 1, seen[0]);
        expect(true, calls > 0);
        System.out.println("faults on another thread while guests trap: all of them exceptions");

        free(concierge);
        free(traps);
        close(host);
        faults("after the host is closed");
    }
}
