import ViewLanguage

/// The columns of `serving.<view>_changes` before the view's own.
public enum ChangesColumns {
    /// The number, the operation and the key. A view that has a column of that name keeps it: the other gets an underscore.
    public static func leading(_ plan: Plan) -> [String] {
        let taken = Set(plan.outputs.map(\.name))
        return ["change", "operation", "key"].map { name in
            var name = name
            while taken.contains(name) { name += "_" }
            return name
        }
    }
}
