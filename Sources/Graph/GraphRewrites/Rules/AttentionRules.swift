let attentionRules: [RewriteRule] = []
let siblingRules: [RewriteRule] = []
