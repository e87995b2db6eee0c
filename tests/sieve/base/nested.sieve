if allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (allof (true))))))))))))))) {
if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { if true { discard; } } } } } } } } } } } } } } }
}
