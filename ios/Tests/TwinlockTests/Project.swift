import Foundation

/// Files of the project that more than one language reads.
enum Project {
    /// The project's root.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func json(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: root.appendingPathComponent(path))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// The Swift sources of a folder, by their path below it.
    static func sources(_ folder: String) throws -> [String: String] {
        let top = root.appendingPathComponent(folder)
        let paths = FileManager.default.enumerator(atPath: top.path)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".swift") }.reduce(into: [:]) { sources, path in
            sources[path] = try String(contentsOf: top.appendingPathComponent(path), encoding: .utf8)
        }
    }

    /// A line of `docs/errors.md`.
    struct ErrorRow {
        let number: UInt16
        let name, errorCase, happened, action: String
    }

    static func errorTable() throws -> [ErrorRow] {
        try text("docs/errors.md").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 6, let number = UInt16(cells[0].dropFirst(3)) else { return nil }
            return ErrorRow(number: number, name: cells[1], errorCase: cells[2], happened: cells[3], action: cells[4])
        }
    }
}
