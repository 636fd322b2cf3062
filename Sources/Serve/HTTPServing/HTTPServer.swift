import Hummingbird
import HummingbirdCore
import Logging
import ModelServer
import NIOCore
import UnixSignals

/// A server on HTTP/1.1.
package struct HTTPServer: Sendable {
    /// What it gives.
    package var endpoints: Endpoints
    /// Address that it listens at.
    package var host: String
    /// Port; 0 for one that is free.
    package var port: Int

    /// A server, not yet running.
    package init(_ endpoints: Endpoints, host: String, port: Int) {
        (self.endpoints, self.host, self.port) = (endpoints, host, port)
    }

    /// Serves until SIGTERM or SIGINT; then takes no more connections, answers what is under way and returns. `started` is told the
    /// port.
    package func run(started: @escaping @Sendable (Int) async -> Void) async throws {
        let connections = Connections()
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
            logger: logger)
        try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
        await endpoints.repository.drain()
    }
}
