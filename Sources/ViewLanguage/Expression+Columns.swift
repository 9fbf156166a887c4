extension Expression {
    /// The same expression over a source that numbers its columns otherwise.
    func renumbered(_ place: (Int) -> Int) -> Expression {
        func each(_ parts: [Expression]) -> [Expression] { parts.map { $0.renumbered(place) } }
        return switch self {
        case .column(let index, let type): .column(place(index), type)
        case .lookup, .literal: self
        case .compare(let comparison, let a, let b): .compare(comparison, a.renumbered(place), b.renumbered(place))
        case .arithmetic(let operation, let a, let b, let type): .arithmetic(operation, a.renumbered(place), b.renumbered(place), type)
        case .negate(let a, let type): .negate(a.renumbered(place), type)
        case .not(let a): .not(a.renumbered(place))
        case .and(let parts): .and(each(parts))
        case .or(let parts): .or(each(parts))
        case .isNull(let a): .isNull(a.renumbered(place))
        case .isNotNull(let a): .isNotNull(a.renumbered(place))
        case .isTruth(let a, let truth, let negated): .isTruth(a.renumbered(place), truth, negated: negated)
        case .inList(let value, let list): .inList(value.renumbered(place), each(list))
        case .cast(let a, let type): .cast(a.renumbered(place), to: type)
        case .coalesce(let parts, let type): .coalesce(each(parts), type)
        case .choice(let branches, let otherwise, let type):
            .choice(
                branches.map { Branch(condition: $0.condition.renumbered(place), value: $0.value.renumbered(place)) },
                otherwise: otherwise.renumbered(place), type)
        case .call(let function, let arguments, let type): .call(function, each(arguments), type)
        }
    }
}
