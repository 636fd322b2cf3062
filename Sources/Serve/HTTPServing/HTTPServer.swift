import Hummingbird
import HummingbirdCore
import Logging
import ModelServer
import NIOCore
import NIOPosix
import UnixSignals

/// A server on HTTP/1.1.
package struct HTTPServer: Sendable {
    /// What it gives.
    package var endpoints: Endpoints
    /// Address that it listens at.
    package var host: String
    /// Port; 0 for one that is free.
    package var port: Int
    /// Threads that do the network's work.
    package var threads: Int

    /// A server, not yet running.
    package init(_ endpoints: Endpoints, host: String, port: Int, threads: Int = 1) {
        (self.endpoints, self.host, self.port, self.threads) = (endpoints, host, port, threads)
    }

    /// Serves until SIGTERM or SIGINT; then takes no more connections, answers what is under way and returns. `started` is told the
    /// port.
    package func run(started: @escaping @Sendable (Int) async -> Void) async throws {
        ProcessUsage.noteStart()
        let connections = Connections()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        var logger = Logger(label: "hearth")
        logger.logLevel = .error
        let application = Application(
            responder: ServingResponder(endpoints: endpoints, connections: connections),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionHandler(connections)], idleTimeout: .seconds(300))),
            configuration: .init(
                address: .hostname(host, port: port), serverName: "hearth", backlog: 1024, reuseAddress: true),
            onServerRunning: { channel in await started(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group), logger: logger)
        // Each hand-over between threads costs tens of microseconds: all of a request but the model runs on its connection's thread.
        try await withTaskExecutorPreference(LoopExecutor(group)) {
            try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
        }
        await endpoints.repository.drain()
        try await group.shutdownGracefully()
    }
}
