/// PostgreSQL's parse tree, as libpg_query writes it in JSON.
///
/// The nodes lie in one array and point to one another by index, so that neither reading nor releasing a deep tree
/// (`1+1+1+…`) takes stack.
final class SyntaxTree {
    struct Element {
        enum Value {
            case null
            case bool(Bool)
            case int(Int)
            case string(String)
            case array
            case object
        }
        var key: String?
        var value: Value
        var firstChild: Int?
        var nextSibling: Int?
    }

    fileprivate(set) var elements: [Element] = []
    var root: SyntaxNode { SyntaxNode(tree: self, index: 0) }

    func append(key: String?, value: Element.Value) -> Int {
        elements.append(Element(key: key, value: value))
        return elements.count - 1
    }

    func link(parent: Int, previous: Int?, child: Int) {
        if let previous { elements[previous].nextSibling = child } else { elements[parent].firstChild = child }
    }
}

/// One value of the parse tree.
struct SyntaxNode {
    let tree: SyntaxTree
    let index: Int

    private var element: SyntaxTree.Element { tree.elements[index] }

    /// The items of an array, or the fields of an object, in order.
    var children: [SyntaxNode] {
        var nodes: [SyntaxNode] = []
        var next = element.firstChild
        while let index = next {
            nodes.append(SyntaxNode(tree: tree, index: index))
            next = tree.elements[index].nextSibling
        }
        return nodes
    }

    /// The name of the field that holds this value.
    var key: String? { element.key }
    var keys: [String] { children.compactMap(\.key) }

    subscript(_ key: String) -> SyntaxNode? {
        var next = element.firstChild
        while let index = next {
            if tree.elements[index].key == key { return SyntaxNode(tree: tree, index: index) }
            next = tree.elements[index].nextSibling
        }
        return nil
    }

    var string: String? { if case .string(let value) = element.value { value } else { nil } }
    var int: Int? { if case .int(let value) = element.value { value } else { nil } }
    /// False where the field is absent: libpg_query leaves out what is false, zero or empty.
    var isTrue: Bool { if case .bool(true) = element.value { true } else { false } }

    /// `{"A_Expr": {…}}`: the node's kind and its body.
    var tagged: (kind: String, body: SyntaxNode) {
        let fields = children
        guard fields.count == 1, let kind = fields[0].key else { return ("", self) }
        return (kind, fields[0])
    }

    func body(of kind: String) -> SyntaxNode? {
        let (found, body) = tagged
        return found == kind ? body : nil
    }

    /// Bytes from the statement's start. Where the node does not say it, the first place in what it contains. (Zero is left out of
    /// the JSON like everything that is zero; only the word CREATE stands there.)
    var location: Int? {
        if let own = self["location"]?.int, own >= 0 { return own }
        var pending = [self]
        // Enough for a clause; the place is for people, and a tree may be large.
        for _ in 0..<1_000 {
            guard let node = pending.popLast() else { return nil }
            for child in node.children.reversed() {
                if child.key == "location", let place = child.int, place >= 0 { return place }
                pending.append(child)
            }
        }
        return nil
    }

    /// `[{"String": {"sval": …}}, …]`. Nil where something else is in the list.
    var names: [String]? {
        var names: [String] = []
        for item in children {
            guard let body = item.body(of: "String") else { return nil }
            names.append(body["sval"]?.string ?? "")
        }
        return names
    }
}
