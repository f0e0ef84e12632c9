"""Options for JVMs that live as long as a test: they compile quickly instead of well."""

# The second leaves room for all that is compiled: without it, every tenth day compiles everything again. The last two skip the
# check of every class that is loaded, a third of the time until a session is there.
QUICK_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
