"""Java's options for a JVM that lives for seconds: it compiles quickly instead of well."""

# The second option leaves room for all that is compiled: without it, every tenth day compiles everything again.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
