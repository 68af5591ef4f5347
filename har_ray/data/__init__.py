"""From raw recordings to tensors: catalog → recordings → windows (Parquet) → split and scaler → tensors."""
