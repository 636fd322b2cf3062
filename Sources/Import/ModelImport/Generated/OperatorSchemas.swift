// Written by generate_schemas.py; do not edit.

/// One operator a line: qualified name, then arguments with their defaults.
let operatorSchemaText = #"""
    aten.Delete.Dict_Tensor self key
    aten.Delete.Dict_bool self key
    aten.Delete.Dict_float self key
    aten.Delete.Dict_int self key
    aten.Delete.Dict_str self key
    aten.Delete.t self idx
    aten.__and__.Scalar self other
    aten.__and__.Tensor self other
    aten.__iand__.Scalar self other
    aten.__iand__.Tensor self other
    aten.__ilshift__.Scalar self other
    aten.__ilshift__.Tensor self other
    aten.__interpolate.default input size=n scale_factor=n mode=snearest align_corners=n recompute_scale_factor=n antialias=b0
    aten.__interpolate.scale_list input size=n scale_factor=n mode=snearest align_corners=n recompute_scale_factor=n antialias=b0
    aten.__interpolate.size_list input size=n scale_factor=n mode=snearest align_corners=n recompute_scale_factor=n antialias=b0
    aten.__interpolate.size_list_scale_list input size=n scale_factor=n mode=snearest align_corners=n recompute_scale_factor=n antialias=b0
    aten.__ior__.Scalar self other
    aten.__ior__.Tensor self other
    aten.__irshift__.Scalar self other
    aten.__irshift__.Tensor self other
    aten.__ixor__.Scalar self other
    aten.__ixor__.Tensor self other
    aten.__lshift__.Scalar self other
    aten.__lshift__.Tensor self other
    aten.__or__.Scalar self other
    aten.__or__.Tensor self other
    aten.__rshift__.Scalar self other
    aten.__rshift__.Tensor self other
    aten.__upsample.default input size=n scale_factor=n mode=snearest align_corners=n
    aten.__upsample.size_list input size=n scale_factor=n mode=snearest align_corners=n
    aten.__upsample_bilinear.default input size=n scale_factor=n
    aten.__upsample_bilinear.scale_list input size=n scale_factor=n
    aten.__upsample_bilinear.size_list input size=n scale_factor=n
    aten.__upsample_bilinear.size_list_scale_list input size=n scale_factor=n
    aten.__upsample_nearest.default input size=n scale_factor=n
    aten.__upsample_nearest.size_list input size=n scale_factor=n
    aten.__xor__.Scalar self other
    aten.__xor__.Tensor self other
    aten._adaptive_avg_pool2d.default self output_size
    aten._adaptive_avg_pool2d_backward.default grad_output self
    aten._adaptive_avg_pool3d.default self output_size
    aten._adaptive_avg_pool3d_backward.default grad_output self
    aten._add_batch_dim.default self batch_dim level
    aten._add_relu.Scalar self other alpha=i1
    aten._add_relu.Tensor self other alpha=i1
    aten._add_relu_.Scalar self other alpha=i1
    aten._add_relu_.Tensor self other alpha=i1
    aten._addmm_activation.default self mat1 mat2 beta=i1 alpha=i1 use_gelu=b0
    aten._aminmax.default self
    aten._aminmax.dim self dim keepdim=b0
    aten._amp_foreach_non_finite_check_and_unscale.default self found_inf inv_scale
    aten._amp_foreach_non_finite_check_and_unscale_.default self found_inf inv_scale
    aten._amp_update_scale.default self growth_tracker found_inf scale_growth_factor scale_backoff_factor growth_interval
    aten._amp_update_scale_.default self growth_tracker found_inf scale_growth_factor scale_backoff_factor growth_interval
    aten._assert_async.default self
    aten._assert_async.msg self assert_msg
    aten._assert_scalar.default self assert_msg
    aten._assert_tensor_metadata.default a size=n stride=n dtype=n device=n layout=n
    aten._autocast_to_full_precision.default self cuda_enabled cpu_enabled
    aten._autocast_to_reduced_precision.default self cuda_enabled cpu_enabled cuda_dtype cpu_dtype
    aten._backward.default self inputs gradient=n retain_graph=n create_graph=b0
    aten._batch_norm_impl_index.default input weight bias running_mean running_var training momentum eps cudnn_enabled
    aten._batch_norm_impl_index_backward.default impl_index input grad_output weight running_mean running_var save_mean save_var_transform train eps output_mask reservedSpace
    aten._batch_norm_no_update.default input weight bias running_mean running_var momentum eps
    aten._batch_norm_with_update.default input weight bias running_mean running_var momentum eps
    aten._batch_norm_with_update_functional.default input weight bias running_mean running_var momentum eps
    aten._cast_Byte.default self non_blocking=b0
    aten._cast_Char.default self non_blocking=b0
    aten._cast_Double.default self non_blocking=b0
    aten._cast_Float.default self non_blocking=b0
    aten._cast_Half.default self non_blocking=b0
    aten._cast_Int.default self non_blocking=b0
    aten._cast_Long.default self non_blocking=b0
    aten._cast_Short.default self non_blocking=b0
    aten._cdist_backward.default grad x1 x2 p cdist
    aten._cdist_forward.default x1 x2 p compute_mode
    aten._cholesky_solve_helper.default self A upper
    aten._chunk_cat.default tensors dim num_chunks
    aten._coalesce.default self
    aten._coalesced.default self coalesced
    aten._coalesced_.default self coalesced
    aten._compute_linear_combination.default input coefficients
    aten._conj.default self
    aten._conj_copy.default self
    aten._conj_physical.default self
    aten._conv_depthwise2d.default self weight kernel_size bias stride padding dilation
    aten._convert_indices_from_coo_to_csr.default self size out_int32=b0
    aten._convert_indices_from_csr_to_coo.default crow_indices col_indices out_int32=b0 transpose=b0
    aten._convert_weight_to_int4pack.default self innerKTiles
    aten._convert_weight_to_int4pack_for_cpu.default self innerKTiles
    aten._convolution.default input weight bias stride padding dilation transposed output_padding groups benchmark deterministic cudnn_enabled allow_tf32
    aten._convolution.deprecated input weight bias stride padding dilation transposed output_padding groups benchmark deterministic cudnn_enabled
    aten._convolution_double_backward.default ggI ggW ggb gO weight self stride padding dilation transposed output_padding groups output_mask
    aten._convolution_mode.default input weight bias stride padding dilation groups
    aten._copy_from.default self dst non_blocking=b0
    aten._copy_from_and_resize.default self dst
    aten._cslt_compress.default input
    aten._cslt_sparse_mm.default compressed_A dense_B bias=n alpha=n out_dtype=n transpose_result=b0 alg_id=i0 split_k=i1 split_k_mode=i-1
    aten._ctc_loss.Tensor log_probs targets input_lengths target_lengths blank=i0 zero_infinity=b0
    aten._ctc_loss.default log_probs targets input_lengths target_lengths blank=i0 zero_infinity=b0
    aten._ctc_loss_backward.Tensor grad log_probs targets input_lengths target_lengths neg_log_likelihood log_alpha blank zero_infinity=b0
    aten._ctc_loss_backward.default grad log_probs targets input_lengths target_lengths neg_log_likelihood log_alpha blank zero_infinity=b0
    aten._cudnn_attention_backward.default grad_out query key value out logsumexp philox_seed philox_offset attn_bias cum_seq_q cum_seq_k max_q max_k dropout_p is_causal scale=n
    aten._cudnn_attention_forward.default query key value attn_bias cum_seq_q cum_seq_k max_q max_k compute_log_sumexp dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._cudnn_ctc_loss.Tensor log_probs targets input_lengths target_lengths blank deterministic zero_infinity
    aten._cudnn_ctc_loss.default log_probs targets input_lengths target_lengths blank deterministic zero_infinity
    aten._cudnn_init_dropout_state.default dropout train dropout_seed dtype=n layout=n device=n pin_memory=b0
    aten._cudnn_rnn.default input weight weight_stride0 weight_buf hx cx mode hidden_size proj_size num_layers batch_first dropout train bidirectional batch_sizes dropout_state
    aten._cudnn_rnn_backward.default input weight weight_stride0 weight_buf hx cx output grad_output grad_hy grad_cy mode hidden_size proj_size num_layers batch_first dropout train bidirectional batch_sizes dropout_state reserve output_mask
    aten._cudnn_rnn_flatten_weight.default weight_arr weight_stride0 input_size mode hidden_size proj_size num_layers batch_first bidirectional
    aten._cufft_clear_plan_cache.default device_index
    aten._cufft_set_plan_cache_max_size.default device_index max_size
    aten._cummax_helper.default self values indices dim
    aten._cummin_helper.default self values indices dim
    aten._dim_arange.default like dim
    aten._dirichlet_grad.default x alpha total
    aten._dyn_quant_matmul_4bit.default inp packed_weights block_size in_features out_features
    aten._dyn_quant_pack_4bit_weight.default weights scales_zeros bias block_size in_features out_features
    aten._efficient_attention_backward.default grad_out_ query key value bias out cu_seqlens_q cu_seqlens_k max_seqlen_q max_seqlen_k logsumexp dropout_p philox_seed philox_offset custom_mask_type bias_requires_grad scale=n num_splits_key=n window_size=n shared_storage_dqdkdv=b0
    aten._efficient_attention_forward.default query key value bias cu_seqlens_q cu_seqlens_k max_seqlen_q max_seqlen_k dropout_p custom_mask_type compute_log_sumexp=b0 scale=n seqlen_k=n window_size=n
    aten._efficientzerotensor.default size dtype=n layout=n device=n pin_memory=n
    aten._embedding_bag.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0 padding_idx=i-1
    aten._embedding_bag_backward.default grad indices offsets offset2bag bag_size maximum_indices num_weights scale_grad_by_freq mode sparse per_sample_weights padding_idx=i-1
    aten._embedding_bag_dense_backward.default grad indices offset2bag bag_size maximum_indices num_weights scale_grad_by_freq mode per_sample_weights padding_idx=i-1
    aten._embedding_bag_forward_only.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0 padding_idx=i-1
    aten._embedding_bag_per_sample_weights_backward.default grad weight indices offsets offset2bag mode padding_idx=i-1
    aten._embedding_bag_sparse_backward.default grad indices offsets offset2bag bag_size num_weights scale_grad_by_freq mode per_sample_weights padding_idx=i-1
    aten._empty_affine_quantized.default size dtype=n layout=n device=n pin_memory=n scale=f1.0 zero_point=i0 memory_format=i0
    aten._empty_per_channel_affine_quantized.default size scales zero_points axis dtype=n layout=n device=n pin_memory=n memory_format=i0
    aten._euclidean_dist.default x1 x2
    aten._fake_quantize_learnable_per_channel_affine.default self scale zero_point axis quant_min quant_max grad_factor=f1.0
    aten._fake_quantize_learnable_per_channel_affine_backward.default grad self scale zero_point axis quant_min quant_max grad_factor=f1.0
    aten._fake_quantize_learnable_per_tensor_affine.default self scale zero_point quant_min quant_max grad_factor=f1.0
    aten._fake_quantize_learnable_per_tensor_affine_backward.default grad self scale zero_point quant_min quant_max grad_factor=f1.0
    aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default self scale zero_point fake_quant_enabled quant_min quant_max
    aten._fft_c2c.default self dim normalization forward
    aten._fft_c2r.default self dim normalization last_dim_size
    aten._fft_r2c.default self dim normalization onesided
    aten._fill_mem_eff_dropout_mask_.default self dropout_p seed offset
    aten._flash_attention_backward.default grad_out query key value out logsumexp cum_seq_q cum_seq_k max_q max_k dropout_p is_causal rng_state unused scale=n window_size_left=n window_size_right=n
    aten._flash_attention_forward.default query key value cum_seq_q cum_seq_k max_q max_k dropout_p is_causal return_debug_mask scale=n window_size_left=n window_size_right=n seqused_k=n alibi_slopes=n block_table=n num_splits=n
    aten._flash_attention_forward.quantized query key value cum_seq_q cum_seq_k max_q max_k dropout_p is_causal return_debug_mask q_descale k_descale v_descale scale=n window_size_left=n window_size_right=n seqused_k=n alibi_slopes=n
    aten._flash_attention_forward_no_dropout_inplace.default out query key value cum_seq_q cum_seq_k max_q max_k dropout_p is_causal return_debug_mask scale=n window_size_left=n window_size_right=n seqused_k=n alibi_slopes=n block_table=n num_splits=n
    aten._foobar.default self arg1=b1 arg2=b1 arg3=b1
    aten._foreach_abs.default self
    aten._foreach_abs_.default self
    aten._foreach_acos.default self
    aten._foreach_acos_.default self
    aten._foreach_add.List self other alpha=i1
    aten._foreach_add.Scalar self scalar
    aten._foreach_add.ScalarList self scalars
    aten._foreach_add.Tensor self other alpha=i1
    aten._foreach_add_.List self other alpha=i1
    aten._foreach_add_.Scalar self scalar
    aten._foreach_add_.ScalarList self scalars
    aten._foreach_add_.Tensor self other alpha=i1
    aten._foreach_addcdiv.Scalar self tensor1 tensor2 value=i1
    aten._foreach_addcdiv.ScalarList self tensor1 tensor2 scalars
    aten._foreach_addcdiv.Tensor self tensor1 tensor2 scalars
    aten._foreach_addcdiv_.Scalar self tensor1 tensor2 value=i1
    aten._foreach_addcdiv_.ScalarList self tensor1 tensor2 scalars
    aten._foreach_addcdiv_.Tensor self tensor1 tensor2 scalars
    aten._foreach_addcmul.Scalar self tensor1 tensor2 value=i1
    aten._foreach_addcmul.ScalarList self tensor1 tensor2 scalars
    aten._foreach_addcmul.Tensor self tensor1 tensor2 scalars
    aten._foreach_addcmul_.Scalar self tensor1 tensor2 value=i1
    aten._foreach_addcmul_.ScalarList self tensor1 tensor2 scalars
    aten._foreach_addcmul_.Tensor self tensor1 tensor2 scalars
    aten._foreach_asin.default self
    aten._foreach_asin_.default self
    aten._foreach_atan.default self
    aten._foreach_atan_.default self
    aten._foreach_ceil.default self
    aten._foreach_ceil_.default self
    aten._foreach_clamp_max.List self other
    aten._foreach_clamp_max.Scalar self scalar
    aten._foreach_clamp_max.ScalarList self scalars
    aten._foreach_clamp_max_.List self other
    aten._foreach_clamp_max_.Scalar self scalar
    aten._foreach_clamp_max_.ScalarList self scalars
    aten._foreach_clamp_min.List self other
    aten._foreach_clamp_min.Scalar self scalar
    aten._foreach_clamp_min.ScalarList self scalars
    aten._foreach_clamp_min_.List self other
    aten._foreach_clamp_min_.Scalar self scalar
    aten._foreach_clamp_min_.ScalarList self scalars
    aten._foreach_clone.default self memory_format=n
    aten._foreach_copy.default self src non_blocking=b0
    aten._foreach_copy_.default self src non_blocking=b0
    aten._foreach_cos.default self
    aten._foreach_cos_.default self
    aten._foreach_cosh.default self
    aten._foreach_cosh_.default self
    aten._foreach_div.List self other
    aten._foreach_div.Scalar self scalar
    aten._foreach_div.ScalarList self scalars
    aten._foreach_div.Tensor self other
    aten._foreach_div_.List self other
    aten._foreach_div_.Scalar self scalar
    aten._foreach_div_.ScalarList self scalars
    aten._foreach_div_.Tensor self other
    aten._foreach_erf.default self
    aten._foreach_erf_.default self
    aten._foreach_erfc.default self
    aten._foreach_erfc_.default self
    aten._foreach_exp.default self
    aten._foreach_exp_.default self
    aten._foreach_expm1.default self
    aten._foreach_expm1_.default self
    aten._foreach_floor.default self
    aten._foreach_floor_.default self
    aten._foreach_frac.default self
    aten._foreach_frac_.default self
    aten._foreach_lerp.List self tensors1 weights
    aten._foreach_lerp.Scalar self tensors1 weight
    aten._foreach_lerp.ScalarList self tensors1 weight
    aten._foreach_lerp_.List self tensors1 weights
    aten._foreach_lerp_.Scalar self tensors1 weight
    aten._foreach_lerp_.ScalarList self tensors1 weight
    aten._foreach_lgamma.default self
    aten._foreach_lgamma_.default self
    aten._foreach_log.default self
    aten._foreach_log10.default self
    aten._foreach_log10_.default self
    aten._foreach_log1p.default self
    aten._foreach_log1p_.default self
    aten._foreach_log2.default self
    aten._foreach_log2_.default self
    aten._foreach_log_.default self
    aten._foreach_max.default self
    aten._foreach_maximum.List self other
    aten._foreach_maximum.Scalar self scalar
    aten._foreach_maximum.ScalarList self scalars
    aten._foreach_maximum_.List self other
    aten._foreach_maximum_.Scalar self scalar
    aten._foreach_maximum_.ScalarList self scalars
    aten._foreach_minimum.List self other
    aten._foreach_minimum.Scalar self scalar
    aten._foreach_minimum.ScalarList self scalars
    aten._foreach_minimum_.List self other
    aten._foreach_minimum_.Scalar self scalar
    aten._foreach_minimum_.ScalarList self scalars
    aten._foreach_mm.default self mat2
    aten._foreach_mul.List self other
    aten._foreach_mul.Scalar self scalar
    aten._foreach_mul.ScalarList self scalars
    aten._foreach_mul.Tensor self other
    aten._foreach_mul_.List self other
    aten._foreach_mul_.Scalar self scalar
    aten._foreach_mul_.ScalarList self scalars
    aten._foreach_mul_.Tensor self other
    aten._foreach_neg.default self
    aten._foreach_neg_.default self
    aten._foreach_norm.Scalar self ord=i2 dtype=n
    aten._foreach_pow.List self exponent
    aten._foreach_pow.Scalar self exponent
    aten._foreach_pow.ScalarAndTensor self exponent
    aten._foreach_pow.ScalarList self exponent
    aten._foreach_pow_.List self exponent
    aten._foreach_pow_.Scalar self exponent
    aten._foreach_pow_.ScalarList self exponent
    aten._foreach_powsum.Scalar self ord=i2 dtype=n
    aten._foreach_reciprocal.default self
    aten._foreach_reciprocal_.default self
    aten._foreach_round.default self
    aten._foreach_round_.default self
    aten._foreach_rsqrt.default self
    aten._foreach_rsqrt_.default self
    aten._foreach_sigmoid.default self
    aten._foreach_sigmoid_.default self
    aten._foreach_sign.default self
    aten._foreach_sign_.default self
    aten._foreach_sin.default self
    aten._foreach_sin_.default self
    aten._foreach_sinh.default self
    aten._foreach_sinh_.default self
    aten._foreach_sqrt.default self
    aten._foreach_sqrt_.default self
    aten._foreach_sub.List self other alpha=i1
    aten._foreach_sub.Scalar self scalar
    aten._foreach_sub.ScalarList self scalars
    aten._foreach_sub_.List self other alpha=i1
    aten._foreach_sub_.Scalar self scalar
    aten._foreach_sub_.ScalarList self scalars
    aten._foreach_tan.default self
    aten._foreach_tan_.default self
    aten._foreach_tanh.default self
    aten._foreach_tanh_.default self
    aten._foreach_trunc.default self
    aten._foreach_trunc_.default self
    aten._foreach_zero.default self
    aten._foreach_zero_.default self
    aten._functional_assert_async.msg self assert_msg dep_token
    aten._functional_assert_scalar.default self assert_msg dep_token
    aten._functional_sym_constrain_range.default size min max dep_token
    aten._functional_sym_constrain_range_for_size.default size min max dep_token
    aten._fused_adagrad.default self grads state_sums state_steps lr lr_decay weight_decay eps maximize grad_scale=n found_inf=n
    aten._fused_adagrad.tensor_lr self grads state_sums state_steps lr lr_decay weight_decay eps maximize grad_scale=n found_inf=n
    aten._fused_adagrad_.default self grads state_sums state_steps lr lr_decay weight_decay eps maximize grad_scale=n found_inf=n
    aten._fused_adagrad_.tensor_lr self grads state_sums state_steps lr lr_decay weight_decay eps maximize grad_scale=n found_inf=n
    aten._fused_adam.default self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adam.tensor_lr self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adam_.default self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adam_.tensor_lr self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adamw.default self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adamw.tensor_lr self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adamw_.default self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_adamw_.tensor_lr self grads exp_avgs exp_avg_sqs max_exp_avg_sqs state_steps lr beta1 beta2 weight_decay eps amsgrad maximize grad_scale=n found_inf=n
    aten._fused_dropout.default self p generator=n
    aten._fused_moving_avg_obs_fq_helper.default self observer_on fake_quant_on running_min running_max scale zero_point averaging_const quant_min quant_max ch_axis per_row_fake_quant=b0 symmetric_quant=b0
    aten._fused_moving_avg_obs_fq_helper_functional.default self observer_on fake_quant_on running_min running_max scale zero_point averaging_const quant_min quant_max ch_axis per_row_fake_quant=b0 symmetric_quant=b0
    aten._fused_rms_norm.default input normalized_shape weight eps
    aten._fused_rms_norm_backward.default grad_out input normalized_shape rstd weight output_mask
    aten._fused_sgd.default self grads momentum_buffer_list weight_decay momentum lr dampening nesterov maximize is_first_step grad_scale=n found_inf=n
    aten._fused_sgd.tensor_lr self grads momentum_buffer_list weight_decay momentum lr dampening nesterov maximize is_first_step grad_scale=n found_inf=n
    aten._fused_sgd_.default self grads momentum_buffer_list weight_decay momentum lr dampening nesterov maximize is_first_step grad_scale=n found_inf=n
    aten._fused_sgd_.tensor_lr self grads momentum_buffer_list weight_decay momentum lr dampening nesterov maximize is_first_step grad_scale=n found_inf=n
    aten._fw_primal.default self level
    aten._fw_primal_copy.default self level
    aten._gather_sparse_backward.default self dim index grad
    aten._grad_sum_to_size.default self size
    aten._grid_sampler_2d_cpu_fallback.default input grid interpolation_mode padding_mode align_corners
    aten._grid_sampler_2d_cpu_fallback_backward.default grad_output input grid interpolation_mode padding_mode align_corners
    aten._grouped_mm.default self mat2 offs=n bias=n out_dtype=n
    aten._histogramdd_bin_edges.default self bins range=n weight=n density=b0
    aten._histogramdd_from_bin_cts.default self bins range=n weight=n density=b0
    aten._histogramdd_from_bin_tensors.default self bins weight=n density=b0
    aten._index_put_impl.default self indices values accumulate=b0 unsafe=b0
    aten._index_put_impl_.default self indices values accumulate=b0 unsafe=b0
    aten._index_put_impl_.hacked_twin self indices values accumulate=b0 unsafe=b0
    aten._indices.default self
    aten._indices_copy.default self
    aten._int_mm.default self mat2
    aten._is_all_true.default self
    aten._is_any_true.default self
    aten._jagged_to_padded_dense_forward.default values offsets max_lengths padding_value=f0.0
    aten._lazy_clone.default self
    aten._linalg_check_errors.default info api_name is_matrix
    aten._linalg_det.default A
    aten._linalg_eigh.default A UPLO=sL compute_v=b1
    aten._linalg_eigvals.default self
    aten._linalg_slogdet.default A
    aten._linalg_solve_ex.default A B left=b1 check_errors=b0
    aten._linalg_svd.default A full_matrices=b0 compute_uv=b1 driver=n
    aten._list_to_tensor.default self
    aten._local_scalar_dense.default self
    aten._log_softmax.default self dim half_to_float
    aten._log_softmax_backward_data.default grad_output output dim input_dtype
    aten._logcumsumexp.default self dim
    aten._lstm_mps.default input hx params has_biases num_layers dropout train bidirectional batch_first
    aten._lu_with_info.default self pivot=b1 check_errors=b1
    aten._make_dep_token.default dtype=n layout=n device=n pin_memory=n memory_format=n
    aten._make_dual.default primal tangent level
    aten._make_dual_copy.default primal tangent level
    aten._make_per_channel_quantized_tensor.default self scale zero_point axis
    aten._make_per_tensor_quantized_tensor.default self scale zero_point
    aten._masked_scale.default self mask scale
    aten._masked_softmax.default self mask dim=n mask_type=n
    aten._masked_softmax_backward.default grad_output output mask dim=n
    aten._mixed_dtypes_linear.default input weight scale bias=n activation=n
    aten._mkldnn_reshape.default self shape
    aten._mkldnn_transpose.default self dim0 dim1
    aten._mkldnn_transpose_.default self dim0 dim1
    aten._mps_convolution.default self weight bias padding stride dilation groups
    aten._mps_convolution_transpose.default self weight padding output_padding stride dilation groups
    aten._native_batch_norm_legit.default input weight bias running_mean running_var training momentum eps
    aten._native_batch_norm_legit.no_stats input weight bias training momentum eps
    aten._native_batch_norm_legit_functional.default input weight bias running_mean running_var training momentum eps
    aten._native_batch_norm_legit_no_training.default input weight bias running_mean running_var momentum eps
    aten._native_multi_head_attention.default query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias mask=n need_weights=b1 average_attn_weights=b1 mask_type=n
    aten._ncf_unsqueeze.default self ndim
    aten._ncf_view.default self input_shape normalized_ndim
    aten._neg_view.default self
    aten._neg_view_copy.default self
    aten._nested_compute_contiguous_strides_offsets.default nested_size
    aten._nested_from_padded.default padded cpu_nested_shape_example fuse_transform_0213=b0
    aten._nested_from_padded_and_nested_example.default padded nt_example
    aten._nested_from_padded_tensor.default padded offsets dummy ragged_idx=i1 min_seqlen=n max_seqlen=n sum_S=n
    aten._nested_get_jagged_dummy.default any
    aten._nested_get_lengths.default self
    aten._nested_get_max_seqlen.default self
    aten._nested_get_min_seqlen.default self
    aten._nested_get_offsets.default self
    aten._nested_get_values.default self
    aten._nested_get_values_copy.default self
    aten._nested_select_backward.default grad_output self dim index
    aten._nested_sum_backward.default grad self dim keepdim=b0
    aten._nested_tensor_from_mask.default t mask mask_check=b1
    aten._nested_tensor_from_tensor_list.default list dtype=n layout=n device=n pin_memory=n
    aten._nested_tensor_size.default self
    aten._nested_tensor_softmax_with_shape.default self query
    aten._nested_tensor_storage_offsets.default self
    aten._nested_tensor_strides.default self
    aten._nested_view_from_buffer.default self nested_size nested_strides offsets
    aten._nested_view_from_buffer_copy.default self nested_size nested_strides offsets
    aten._nested_view_from_jagged.default self offsets dummy lengths=n ragged_idx=i1 min_seqlen=n max_seqlen=n
    aten._nested_view_from_jagged_copy.default self offsets dummy lengths=n ragged_idx=i1 min_seqlen=n max_seqlen=n
    aten._new_zeros_with_same_feature_meta.default self other self_num_batch_dims=i0
    aten._nnpack_spatial_convolution.default input weight bias padding stride=I1,1
    aten._no_grad_embedding_renorm_.default weight input max_norm norm_type
    aten._no_grad_fill_.default tensor val
    aten._no_grad_normal_.default tensor mean std generator=n
    aten._no_grad_uniform_.default tensor a b generator=n
    aten._no_grad_zero_.default tensor
    aten._pack_padded_sequence.default input lengths batch_first
    aten._pack_padded_sequence_backward.default grad input_size batch_sizes batch_first
    aten._pack_sequence.default output batch_sizes sorted_indices unsorted_indices
    aten._pad_circular.default self pad
    aten._pad_enum.default self pad mode value=n
    aten._pad_packed_sequence.default data batch_sizes batch_first padding_value total_length
    aten._padded_dense_to_jagged_forward.default dense offsets total_L=n
    aten._pdist_backward.default grad self p pdist
    aten._pdist_forward.default self p=f2.0
    aten._philox_key_fold_in.default key data
    aten._philox_key_split.default key num_splits
    aten._philox_normal.default self key mean=f0.0 std=f1.0
    aten._philox_normal_.default self key mean=f0.0 std=f1.0
    aten._philox_uniform.default self key low=f0.0 high=f1.0
    aten._philox_uniform_.default self key low=f0.0 high=f1.0
    aten._pin_memory.default self device=n
    aten._prelu_kernel.default self weight
    aten._prelu_kernel_backward.default grad_output self weight
    aten._print.default s
    aten._propagate_xla_data.default input output
    aten._remove_batch_dim.default self level batch_size out_dim
    aten._reshape_alias.default self size stride
    aten._reshape_alias_copy.default self size stride
    aten._reshape_copy.default self size
    aten._reshape_from_tensor.default self shape
    aten._resize_output.default self size device
    aten._resize_output_.default self size device
    aten._rowwise_prune.default weight mask compressed_indices_dtype
    aten._safe_softmax.default self dim dtype=n
    aten._sample_dirichlet.default self generator=n
    aten._saturate_weight_to_fp16.default weight
    aten._scaled_dot_product_attention_math.default query key value attn_mask=n dropout_p=f0.0 is_causal=b0 dropout_mask=n scale=n enable_gqa=b0
    aten._scaled_dot_product_attention_math_for_mps.default query key value attn_mask=n dropout_p=f0.0 is_causal=b0 dropout_mask=n scale=n enable_gqa=b0
    aten._scaled_dot_product_cudnn_attention.default query key value attn_bias compute_log_sumexp dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_cudnn_attention_backward.default grad_out query key value out logsumexp philox_seed philox_offset attn_bias cum_seq_q cum_seq_k max_q max_k dropout_p is_causal scale=n
    aten._scaled_dot_product_efficient_attention.default query key value attn_bias compute_log_sumexp dropout_p=f0.0 is_causal=b0 scale=n
    aten._scaled_dot_product_efficient_attention_backward.default grad_out_ query key value attn_bias out logsumexp philox_seed philox_offset dropout_p grad_input_mask is_causal=b0 scale=n
    aten._scaled_dot_product_flash_attention.default query key value dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_flash_attention.quantized query key value q_descale k_descale v_descale dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_flash_attention_backward.default grad_out query key value out logsumexp cum_seq_q cum_seq_k max_q max_k dropout_p is_causal philox_seed philox_offset scale=n
    aten._scaled_dot_product_flash_attention_for_cpu.default query key value dropout_p=f0.0 is_causal=b0 attn_mask=n scale=n
    aten._scaled_dot_product_flash_attention_for_cpu_backward.default grad_out query key value out logsumexp dropout_p is_causal attn_mask=n scale=n
    aten._scaled_dot_product_fused_attention_overrideable.default query key value attn_bias=n dropout_p=f0.0 is_causal=b0 return_debug_mask=b0 scale=n
    aten._scaled_dot_product_fused_attention_overrideable_backward.default grad_out query key value attn_bias grad_input_mask out logsumexp cum_seq_q cum_seq_k max_q max_k dropout_p is_causal philox_seed philox_offset scale=n
    aten._scaled_grouped_mm.default self mat2 scale_a scale_b offs=n bias=n scale_result=n out_dtype=n use_fast_accum=b0
    aten._scaled_grouped_mm_v2.default self mat2 scale_a recipe_a swizzle_a scale_b recipe_b swizzle_b offs=n bias=n out_dtype=n contraction_dim=I use_fast_accum=b0
    aten._scaled_mm.default self mat2 scale_a scale_b bias=n scale_result=n out_dtype=n use_fast_accum=b0
    aten._scaled_mm_v2.default self mat2 scale_a recipe_a swizzle_a scale_b recipe_b swizzle_b bias out_dtype contraction_dim=I use_fast_accum=b0
    aten._segment_reduce_backward.default grad output data reduce lengths=n offsets=n axis=i0 initial=n
    aten._set_item.Tensor l idx v
    aten._set_item.bool l idx v
    aten._set_item.float l idx v
    aten._set_item.int l idx v
    aten._set_item.str l idx v
    aten._shape_as_tensor.default self
    aten._slow_conv2d_backward.output_mask grad_output self weight kernel_size stride padding output_mask
    aten._slow_conv2d_forward.default self weight kernel_size bias stride padding
    aten._sobol_engine_draw.default quasi n sobolstate dimension num_generated dtype
    aten._sobol_engine_ff_.default self n sobolstate dimension num_generated
    aten._sobol_engine_initialize_state_.default self dimension
    aten._sobol_engine_scramble_.default self ltm dimension
    aten._softmax.default self dim half_to_float
    aten._softmax_backward_data.default grad_output output dim input_dtype
    aten._sparse_addmm.default self mat1 mat2 beta=i1 alpha=i1
    aten._sparse_broadcast_to.default self size
    aten._sparse_broadcast_to_copy.default self size
    aten._sparse_bsc_tensor_unsafe.default ccol_indices row_indices values size dtype=n layout=n device=n pin_memory=n
    aten._sparse_bsr_tensor_unsafe.default crow_indices col_indices values size dtype=n layout=n device=n pin_memory=n
    aten._sparse_compressed_tensor_unsafe.default compressed_indices plain_indices values size dtype=n layout=n device=n pin_memory=n
    aten._sparse_compressed_tensor_with_dims.default nnz dense_dim size blocksize index_dtype dtype=n layout=n device=n pin_memory=b0
    aten._sparse_coo_tensor_unsafe.default indices values size dtype=n layout=n device=n pin_memory=n is_coalesced=n
    aten._sparse_coo_tensor_with_dims.default sparse_dim dense_dim size dtype=n layout=n device=n pin_memory=b0
    aten._sparse_coo_tensor_with_dims_and_tensors.default sparse_dim dense_dim size indices values dtype=n layout=n device=n pin_memory=b0 is_coalesced=n
    aten._sparse_csc_tensor_unsafe.default ccol_indices row_indices values size dtype=n layout=n device=n pin_memory=n
    aten._sparse_csr_prod.dim_dtype self dim keepdim=b0 dtype=n
    aten._sparse_csr_sum.dim_dtype self dim keepdim=b0 dtype=n
    aten._sparse_csr_tensor_unsafe.default crow_indices col_indices values size dtype=n layout=n device=n pin_memory=n
    aten._sparse_log_softmax.default self dim half_to_float
    aten._sparse_log_softmax.int self dim dtype=n
    aten._sparse_log_softmax_backward_data.default grad_output output dim self
    aten._sparse_mask_projection.default self mask accumulate_matches=b0
    aten._sparse_mm.default sparse dense
    aten._sparse_mm.reduce sparse dense reduce
    aten._sparse_mm_reduce_impl.default self other reduce
    aten._sparse_mm_reduce_impl_backward.default self grad_out weight reduce arg_out output_mask
    aten._sparse_semi_structured_addmm.default input mat1 mat1_meta mat2 alpha=i1 beta=i1 out_dtype=n
    aten._sparse_semi_structured_apply.default input thread_masks
    aten._sparse_semi_structured_apply_dense.default input thread_masks
    aten._sparse_semi_structured_linear.default input weight meta bias=n activation=n out_dtype=n
    aten._sparse_semi_structured_mm.default mat1 mat1_meta mat2 out_dtype=n
    aten._sparse_semi_structured_tile.default input algorithm=s use_cutlass=b1
    aten._sparse_softmax.default self dim half_to_float
    aten._sparse_softmax.int self dim dtype=n
    aten._sparse_softmax_backward_data.default grad_output output dim self
    aten._sparse_sparse_matmul.default self other
    aten._sparse_sum.default self
    aten._sparse_sum.dim self dim
    aten._sparse_sum.dim_dtype self dim dtype
    aten._sparse_sum.dtype self dtype
    aten._sparse_sum_backward.default grad self dim
    aten._spdiags.default diagonals offsets shape layout=n
    aten._spsolve.default A B left=b1
    aten._stack.default tensors dim=i0
    aten._standard_gamma.default self generator=n
    aten._standard_gamma_grad.default self output
    aten._test_ambiguous_defaults.a dummy a=i1 b=i1
    aten._test_ambiguous_defaults.b dummy a=i2 b=s2
    aten._test_autograd_multiple_dispatch.fullcoverage self
    aten._test_autograd_multiple_dispatch.ntonly self b
    aten._test_autograd_multiple_dispatch_view.default self
    aten._test_autograd_multiple_dispatch_view_copy.default self
    aten._test_check_tensor.default self
    aten._test_functorch_fallback.default self other
    aten._test_optional_filled_intlist.default values addends
    aten._test_optional_floatlist.default values addends
    aten._test_optional_intlist.default values addends
    aten._test_parallel_materialize.default self num_parallel skip_first=b0
    aten._test_serialization_subcmul.default self other alpha=i1
    aten._test_string_default.default dummy a=s"'\ b=s"'\
    aten._test_warn_in_autograd.default self
    aten._thnn_differentiable_gru_cell_backward.default grad_hy input_gates hidden_gates hx input_bias hidden_bias
    aten._thnn_differentiable_lstm_cell_backward.default grad_hy grad_cy input_gates hidden_gates input_bias hidden_bias cx cy
    aten._thnn_fused_gru_cell.default input_gates hidden_gates hx input_bias=n hidden_bias=n
    aten._thnn_fused_gru_cell_backward.default grad_hy workspace has_bias
    aten._thnn_fused_lstm_cell.default input_gates hidden_gates cx input_bias=n hidden_bias=n
    aten._thnn_fused_lstm_cell_backward.default grad_hy grad_cy cx cy workspace has_bias
    aten._thnn_fused_lstm_cell_backward_impl.default grad_hy grad_cy cx cy workspace has_bias
    aten._to_copy.default self dtype=n layout=n device=n pin_memory=n non_blocking=b0 memory_format=n
    aten._to_cpu.default tensors
    aten._to_dense.default self dtype=n masked_grad=n
    aten._to_sparse.default self layout=n blocksize=n dense_dim=n
    aten._to_sparse.sparse_dim self sparse_dim
    aten._to_sparse_bsc.default self blocksize dense_dim=n
    aten._to_sparse_bsr.default self blocksize dense_dim=n
    aten._to_sparse_csc.default self dense_dim=n
    aten._to_sparse_csr.default self dense_dim=n
    aten._to_sparse_semi_structured.default dense
    aten._transform_bias_rescale_qkv.default qkv qkv_bias num_heads
    aten._transformer_encoder_layer_fwd.default src embed_dim num_heads qkv_weight qkv_bias proj_weight proj_bias use_gelu norm_first eps norm_weight_1 norm_bias_1 norm_weight_2 norm_bias_2 ffn_weight_1 ffn_bias_1 ffn_weight_2 ffn_bias_2 mask=n mask_type=n
    aten._trilinear.default i1 i2 i3 expand1 expand2 expand3 sumdim unroll_dim=i1
    aten._triton_multi_head_attention.default query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias mask=n
    aten._triton_scaled_dot_attention.default q k v dropout_p=f0.0
    aten._unique.default self sorted=b1 return_inverse=b0
    aten._unique2.default self sorted=b1 return_inverse=b0 return_counts=b0
    aten._unpack_dual.default dual level
    aten._unsafe_index.Tensor self indices
    aten._unsafe_index.Tensor_hacked_twin self indices
    aten._unsafe_index_put.default self indices values accumulate=b0
    aten._unsafe_index_put.hacked_twin self indices values accumulate=b0
    aten._unsafe_masked_index.default self mask indices fill
    aten._unsafe_masked_index_put_accumulate.default self mask indices values
    aten._unsafe_view.default self size
    aten._upsample_bicubic2d_aa.default self output_size align_corners scales_h=n scales_w=n
    aten._upsample_bicubic2d_aa.vec input output_size align_corners scale_factors
    aten._upsample_bicubic2d_aa_backward.default grad_output output_size input_size align_corners scales_h=n scales_w=n
    aten._upsample_bilinear2d_aa.default self output_size align_corners scales_h=n scales_w=n
    aten._upsample_bilinear2d_aa.vec input output_size align_corners scale_factors
    aten._upsample_bilinear2d_aa_backward.default grad_output output_size input_size align_corners scales_h=n scales_w=n
    aten._upsample_lanczos2d_aa.default self output_size align_corners scales_h=n scales_w=n
    aten._upsample_lanczos2d_aa.vec input output_size align_corners scale_factors
    aten._upsample_lanczos2d_aa_backward.default grad_output output_size input_size align_corners scales_h=n scales_w=n
    aten._upsample_nearest_exact1d.default self output_size scales=n
    aten._upsample_nearest_exact1d.vec input output_size scale_factors
    aten._upsample_nearest_exact1d_backward.default grad_output output_size input_size scales=n
    aten._upsample_nearest_exact2d.default self output_size scales_h=n scales_w=n
    aten._upsample_nearest_exact2d.vec input output_size scale_factors
    aten._upsample_nearest_exact2d_backward.default grad_output output_size input_size scales_h=n scales_w=n
    aten._upsample_nearest_exact3d.default self output_size scales_d=n scales_h=n scales_w=n
    aten._upsample_nearest_exact3d.vec input output_size scale_factors
    aten._upsample_nearest_exact3d_backward.default grad_output output_size input_size scales_d=n scales_h=n scales_w=n
    aten._validate_compressed_sparse_indices.default is_crow compressed_idx plain_idx cdim dim nnz
    aten._validate_sparse_bsc_tensor_args.default ccol_indices row_indices values size check_pinning=n
    aten._validate_sparse_bsr_tensor_args.default crow_indices col_indices values size check_pinning=n
    aten._validate_sparse_compressed_tensor_args.default compressed_indices plain_indices values size layout check_pinning=n
    aten._validate_sparse_coo_tensor_args.default indices values size is_coalesced=n check_pinning=n
    aten._validate_sparse_csc_tensor_args.default ccol_indices row_indices values size check_pinning=n
    aten._validate_sparse_csr_tensor_args.default crow_indices col_indices values size check_pinning=n
    aten._values.default self
    aten._values_copy.default self
    aten._weight_int4pack_mm.default self mat2 qGroupSize qScaleAndZeros
    aten._weight_int4pack_mm_for_cpu.default self mat2 qGroupSize qScaleAndZeros
    aten._weight_int4pack_mm_with_scales_and_zeros.default self mat2 qGroupSize qScale qZeros
    aten._weight_int8pack_mm.default self mat2 scales
    aten._weight_norm.default v g dim=i0
    aten._weight_norm_differentiable_backward.default grad_w saved_v saved_g saved_norms dim
    aten._weight_norm_interface.default v g dim=i0
    aten._weight_norm_interface_backward.default grad_w saved_v saved_g saved_norms dim
    aten._wrapped_linear_prepack.default weight weight_scale weight_zero_point bias
    aten._wrapped_quantized_linear_prepacked.default input input_scale input_zero_point packed_weight output_scale output_zero_point out_channel
    aten.abs.default self
    aten.abs_.default self
    aten.absolute.default self
    aten.absolute_.default self
    aten.acos.default self
    aten.acos_.default self
    aten.acosh.default self
    aten.acosh_.default self
    aten.adaptive_avg_pool1d.default self output_size
    aten.adaptive_avg_pool2d.default self output_size
    aten.adaptive_avg_pool3d.default self output_size
    aten.adaptive_max_pool1d.default self output_size
    aten.adaptive_max_pool2d.default self output_size
    aten.adaptive_max_pool2d_backward.default grad_output self indices
    aten.adaptive_max_pool3d.default self output_size
    aten.adaptive_max_pool3d_backward.default grad_output self indices
    aten.add.Scalar self other alpha=i1
    aten.add.Tensor self other alpha=i1
    aten.add.default a b
    aten.add_.Scalar self other alpha=i1
    aten.add_.Tensor self other alpha=i1
    aten.addbmm.default self batch1 batch2 beta=i1 alpha=i1
    aten.addbmm_.default self batch1 batch2 beta=i1 alpha=i1
    aten.addcdiv.default self tensor1 tensor2 value=i1
    aten.addcdiv_.default self tensor1 tensor2 value=i1
    aten.addcmul.default self tensor1 tensor2 value=i1
    aten.addcmul_.default self tensor1 tensor2 value=i1
    aten.addmm.default self mat1 mat2 beta=i1 alpha=i1
    aten.addmm.dtype self mat1 mat2 out_dtype beta=i1 alpha=i1
    aten.addmm_.default self mat1 mat2 beta=i1 alpha=i1
    aten.addmv.default self mat vec beta=i1 alpha=i1
    aten.addmv_.default self mat vec beta=i1 alpha=i1
    aten.addr.default self vec1 vec2 beta=i1 alpha=i1
    aten.addr_.default self vec1 vec2 beta=i1 alpha=i1
    aten.adjoint.default self
    aten.affine_grid_generator.default theta size align_corners
    aten.affine_grid_generator_backward.default grad size align_corners
    aten.alias.default self
    aten.alias_copy.default self
    aten.all.default self
    aten.all.dim self dim keepdim=b0
    aten.all.dims self dim=n keepdim=b0
    aten.alpha_dropout.default input p train
    aten.alpha_dropout_.default self p train
    aten.amax.default self dim=I keepdim=b0
    aten.amin.default self dim=I keepdim=b0
    aten.aminmax.default self dim=n keepdim=b0
    aten.angle.default self
    aten.any.default self
    aten.any.dim self dim keepdim=b0
    aten.any.dims self dim=n keepdim=b0
    aten.arange.default end dtype=n layout=n device=n pin_memory=n
    aten.arange.start start end dtype=n layout=n device=n pin_memory=n
    aten.arange.start_step start end step=i1 dtype=n layout=n device=n pin_memory=n
    aten.arccos.default self
    aten.arccos_.default self
    aten.arccosh.default self
    aten.arccosh_.default self
    aten.arcsin.default self
    aten.arcsin_.default self
    aten.arcsinh.default self
    aten.arcsinh_.default self
    aten.arctan.default self
    aten.arctan2.default self other
    aten.arctan2_.default self other
    aten.arctan_.default self
    aten.arctanh.default self
    aten.arctanh_.default self
    aten.argmax.default self dim=n keepdim=b0
    aten.argmin.default self dim=n keepdim=b0
    aten.argsort.default self dim=i-1 descending=b0
    aten.argsort.stable self stable dim=i-1 descending=b0
    aten.argwhere.default self
    aten.as_strided.default self size stride storage_offset=n
    aten.as_strided_.default self size stride storage_offset=n
    aten.as_strided_copy.default self size stride storage_offset=n
    aten.as_strided_scatter.default self src size stride storage_offset=n
    aten.as_tensor.bool t dtype=n device=n
    aten.as_tensor.default data dtype=n device=n
    aten.as_tensor.float t dtype=n device=n
    aten.as_tensor.int t dtype=n device=n
    aten.as_tensor.list data dtype=n device=n
    aten.asin.default self
    aten.asin_.default self
    aten.asinh.default self
    aten.asinh_.default self
    aten.atan.default self
    aten.atan2.default self other
    aten.atan2_.default self other
    aten.atan_.default self
    aten.atanh.default self
    aten.atanh_.default self
    aten.atleast_1d.Sequence tensors
    aten.atleast_1d.default self
    aten.atleast_2d.Sequence tensors
    aten.atleast_2d.default self
    aten.atleast_3d.Sequence tensors
    aten.atleast_3d.default self
    aten.avg_pool1d.default self kernel_size stride=I padding=I0 ceil_mode=b0 count_include_pad=b1
    aten.avg_pool2d.default self kernel_size stride=I padding=I0,0 ceil_mode=b0 count_include_pad=b1 divisor_override=n
    aten.avg_pool2d_backward.default grad_output self kernel_size stride padding ceil_mode count_include_pad divisor_override
    aten.avg_pool3d.default self kernel_size stride=I padding=I0,0,0 ceil_mode=b0 count_include_pad=b1 divisor_override=n
    aten.avg_pool3d_backward.default grad_output self kernel_size stride padding ceil_mode count_include_pad divisor_override
    aten.backward.TensorList tensors grad_tensors=n retain_graph=n create_graph=b0
    aten.backward.default self gradient=n retain_graph=n create_graph=b0
    aten.baddbmm.default self batch1 batch2 beta=i1 alpha=i1
    aten.baddbmm.dtype self batch1 batch2 out_dtype beta=i1 alpha=i1
    aten.baddbmm_.default self batch1 batch2 beta=i1 alpha=i1
    aten.bartlett_window.default window_length dtype=n layout=n device=n pin_memory=n
    aten.bartlett_window.periodic window_length periodic dtype=n layout=n device=n pin_memory=n
    aten.batch_norm.default input weight bias running_mean running_var training momentum eps cudnn_enabled
    aten.batch_norm_backward.default grad_out input weight running_mean running_var save_mean save_var update eps output_mask reserve
    aten.batch_norm_backward_elemt.default grad_out input mean invstd weight sum_dy sum_dy_xmu count
    aten.batch_norm_backward_reduce.default grad_out input mean invstd weight input_g weight_g bias_g
    aten.batch_norm_elemt.default input weight bias mean invstd eps
    aten.batch_norm_gather_stats.default input mean invstd running_mean running_var momentum eps count
    aten.batch_norm_gather_stats_with_counts.default input mean invstd running_mean running_var momentum eps counts
    aten.batch_norm_stats.default input eps
    aten.batch_norm_update_stats.default input running_mean running_var momentum
    aten.bernoulli.Tensor self p generator=n
    aten.bernoulli.default self generator=n
    aten.bernoulli.p self p generator=n
    aten.bernoulli_.Tensor self p generator=n
    aten.bernoulli_.float self p=f0.5 generator=n
    aten.bilinear.default input1 input2 weight bias=n
    aten.binary_cross_entropy.default self target weight=n reduction=i1
    aten.binary_cross_entropy_backward.default grad_output self target weight=n reduction=i1
    aten.binary_cross_entropy_with_logits.default self target weight=n pos_weight=n reduction=i1
    aten.bincount.default self weights=n minlength=i0
    aten.binomial.default count prob generator=n
    aten.bitwise_and.Scalar self other
    aten.bitwise_and.Scalar_Tensor self other
    aten.bitwise_and.Tensor self other
    aten.bitwise_and_.Scalar self other
    aten.bitwise_and_.Tensor self other
    aten.bitwise_left_shift.Scalar_Tensor self other
    aten.bitwise_left_shift.Tensor self other
    aten.bitwise_left_shift.Tensor_Scalar self other
    aten.bitwise_left_shift_.Tensor self other
    aten.bitwise_left_shift_.Tensor_Scalar self other
    aten.bitwise_not.default self
    aten.bitwise_not_.default self
    aten.bitwise_or.Scalar self other
    aten.bitwise_or.Scalar_Tensor self other
    aten.bitwise_or.Tensor self other
    aten.bitwise_or_.Scalar self other
    aten.bitwise_or_.Tensor self other
    aten.bitwise_right_shift.Scalar_Tensor self other
    aten.bitwise_right_shift.Tensor self other
    aten.bitwise_right_shift.Tensor_Scalar self other
    aten.bitwise_right_shift_.Tensor self other
    aten.bitwise_right_shift_.Tensor_Scalar self other
    aten.bitwise_xor.Scalar self other
    aten.bitwise_xor.Scalar_Tensor self other
    aten.bitwise_xor.Tensor self other
    aten.bitwise_xor_.Scalar self other
    aten.bitwise_xor_.Tensor self other
    aten.blackman_window.default window_length dtype=n layout=n device=n pin_memory=n
    aten.blackman_window.periodic window_length periodic dtype=n layout=n device=n pin_memory=n
    aten.block_diag.default tensors
    aten.bmm.default self mat2
    aten.bmm.dtype self mat2 out_dtype
    aten.broadcast_tensors.default tensors
    aten.broadcast_to.default self size
    aten.bucketize.Scalar self boundaries out_int32=b0 right=b0
    aten.bucketize.Tensor self boundaries out_int32=b0 right=b0
    aten.cartesian_prod.default tensors
    aten.cat.default tensors dim=i0
    aten.cauchy.default self median=f0.0 sigma=f1.0 generator=n
    aten.cauchy_.default self median=f0.0 sigma=f1.0 generator=n
    aten.ccol_indices.default self
    aten.ccol_indices_copy.default self
    aten.cdist.default x1 x2 p=f2.0 compute_mode=n
    aten.ceil.default self
    aten.ceil_.default self
    aten.celu.default self alpha=f1.0
    aten.celu_.default self alpha=f1.0
    aten.chain_matmul.default matrices
    aten.chalf.default self memory_format=n
    aten.channel_shuffle.default self groups
    aten.cholesky.default self upper=b0
    aten.cholesky_inverse.default self upper=b0
    aten.cholesky_solve.default self input2 upper=b0
    aten.choose_qparams_optimized.default input numel n_bins ratio bit_width
    aten.chunk.default self chunks dim=i0
    aten.clamp.Tensor self min=n max=n
    aten.clamp.default self min=n max=n
    aten.clamp_.Tensor self min=n max=n
    aten.clamp_.default self min=n max=n
    aten.clamp_max.Tensor self max
    aten.clamp_max.default self max
    aten.clamp_max_.Tensor self max
    aten.clamp_max_.default self max
    aten.clamp_min.Tensor self min
    aten.clamp_min.default self min
    aten.clamp_min_.Tensor self min
    aten.clamp_min_.default self min
    aten.clear.Tensor self
    aten.clear.bool self
    aten.clear.float self
    aten.clear.int self
    aten.clear.str self
    aten.clear.t self
    aten.clip.Tensor self min=n max=n
    aten.clip.default self min=n max=n
    aten.clip_.Tensor self min=n max=n
    aten.clip_.default self min=n max=n
    aten.clone.default self memory_format=n
    aten.coalesce.default self
    aten.col2im.default self output_size kernel_size dilation padding stride
    aten.col_indices.default self
    aten.col_indices_copy.default self
    aten.column_stack.default tensors
    aten.combinations.default self r=i2 with_replacement=b0
    aten.complex.default real imag
    aten.concat.default tensors dim=i0
    aten.concatenate.default tensors dim=i0
    aten.conj.default self
    aten.conj_physical.default self
    aten.conj_physical_.default self
    aten.constant_pad_nd.default self pad value=i0
    aten.contiguous.default self memory_format=i0
    aten.conv1d.default input weight bias=n stride=I1 padding=I0 dilation=I1 groups=i1
    aten.conv1d.padding input weight bias=n stride=I1 padding=svalid dilation=I1 groups=i1
    aten.conv2d.default input weight bias=n stride=I1,1 padding=I0,0 dilation=I1,1 groups=i1
    aten.conv2d.padding input weight bias=n stride=I1,1 padding=svalid dilation=I1,1 groups=i1
    aten.conv3d.default input weight bias=n stride=I1,1,1 padding=I0,0,0 dilation=I1,1,1 groups=i1
    aten.conv3d.padding input weight bias=n stride=I1,1,1 padding=svalid dilation=I1,1,1 groups=i1
    aten.conv_depthwise3d.default self weight kernel_size bias stride padding dilation
    aten.conv_tbc.default self weight bias pad=i0
    aten.conv_tbc_backward.default self input weight bias pad
    aten.conv_transpose1d.default input weight bias=n stride=I1 padding=I0 output_padding=I0 groups=i1 dilation=I1
    aten.conv_transpose2d.input input weight bias=n stride=I1,1 padding=I0,0 output_padding=I0,0 groups=i1 dilation=I1,1
    aten.conv_transpose3d.input input weight bias=n stride=I1,1,1 padding=I0,0,0 output_padding=I0,0,0 groups=i1 dilation=I1,1,1
    aten.convolution.default input weight bias stride padding dilation transposed output_padding groups
    aten.convolution_backward.default grad_output input weight bias_sizes stride padding dilation transposed output_padding groups output_mask
    aten.convolution_backward_overrideable.default grad_output input weight stride padding dilation transposed output_padding groups output_mask
    aten.convolution_overrideable.default input weight bias stride padding dilation transposed output_padding groups
    aten.copy.Dict_Tensor self
    aten.copy.default self src non_blocking=b0
    aten.copy_.Tensor self other
    aten.copy_.default self src non_blocking=b0
    aten.copy_.float self other
    aten.copy_.int self other
    aten.copy_sparse_to_sparse.default self src non_blocking=b0
    aten.copy_sparse_to_sparse_.default self src non_blocking=b0
    aten.copysign.Scalar self other
    aten.copysign.Tensor self other
    aten.copysign_.Scalar self other
    aten.copysign_.Tensor self other
    aten.corrcoef.default self
    aten.cos.default self
    aten.cos_.default self
    aten.cosh.default self
    aten.cosh_.default self
    aten.cosine_embedding_loss.default input1 input2 target margin=f0.0 reduction=i1
    aten.cosine_similarity.default x1 x2 dim=i1 eps=f1e-08
    aten.count_nonzero.default self dim=n
    aten.count_nonzero.dim_IntList self dim
    aten.cov.default self correction=i1 fweights=n aweights=n
    aten.cpu.default self
    aten.cross.default self other dim=n
    aten.cross_entropy_loss.default self target weight=n reduction=i1 ignore_index=i-100 label_smoothing=f0.0
    aten.crow_indices.default self
    aten.crow_indices_copy.default self
    aten.ctc_loss.IntList log_probs targets input_lengths target_lengths blank=i0 reduction=i1 zero_infinity=b0
    aten.ctc_loss.Tensor log_probs targets input_lengths target_lengths blank=i0 reduction=i1 zero_infinity=b0
    aten.cuda.default self
    aten.cudnn_affine_grid_generator.default theta N C H W
    aten.cudnn_affine_grid_generator_backward.default grad N C H W
    aten.cudnn_batch_norm.default input weight bias running_mean running_var training exponential_average_factor epsilon
    aten.cudnn_batch_norm_backward.default input grad_output weight running_mean running_var save_mean save_var epsilon reserveSpace
    aten.cudnn_convolution.default self weight padding stride dilation groups benchmark deterministic allow_tf32
    aten.cudnn_convolution_add_relu.default self weight z alpha bias stride padding dilation groups
    aten.cudnn_convolution_relu.default self weight bias stride padding dilation groups
    aten.cudnn_convolution_transpose.default self weight padding output_padding stride dilation groups benchmark deterministic allow_tf32
    aten.cudnn_grid_sampler.default self grid
    aten.cudnn_grid_sampler_backward.default self grid grad_output
    aten.cummax.default self dim
    aten.cummaxmin_backward.default grad input indices dim
    aten.cummin.default self dim
    aten.cumprod.default self dim dtype=n
    aten.cumprod_.default self dim dtype=n
    aten.cumprod_backward.default grad input dim output
    aten.cumsum.default self dim dtype=n
    aten.cumsum_.default self dim dtype=n
    aten.cumulative_trapezoid.dx y dx=i1 dim=i-1
    aten.cumulative_trapezoid.x y x dim=i-1
    aten.data.default self
    aten.deg2rad.default self
    aten.deg2rad_.default self
    aten.dequantize.list qtensors
    aten.dequantize.self self
    aten.dequantize.tensor qtensor
    aten.dequantize.tensors tensors
    aten.det.default self
    aten.detach.default self
    aten.detach_.default self
    aten.detach_copy.default self
    aten.diag.default self diagonal=i0
    aten.diag_embed.default self offset=i0 dim1=i-2 dim2=i-1
    aten.diagflat.default self offset=i0
    aten.diagonal.default self offset=i0 dim1=i0 dim2=i1
    aten.diagonal_backward.default grad_output input_sizes offset dim1 dim2
    aten.diagonal_copy.default self offset=i0 dim1=i0 dim2=i1
    aten.diagonal_scatter.default self src offset=i0 dim1=i0 dim2=i1
    aten.dict.Dict_Tensor self
    aten.dict.Tensor inputs
    aten.dict.default
    aten.diff.default self n=i1 dim=i-1 prepend=n append=n
    aten.digamma.default self
    aten.digamma_.default self
    aten.dist.default self other p=i2
    aten.dist_backward.default context_id roots retain_graph=b0
    aten.div.Scalar self other
    aten.div.Scalar_mode self other rounding_mode
    aten.div.Tensor self other
    aten.div.Tensor_mode self other rounding_mode
    aten.div_.Scalar self other
    aten.div_.Scalar_mode self other rounding_mode
    aten.div_.Tensor self other
    aten.div_.Tensor_mode self other rounding_mode
    aten.divide.Scalar self other
    aten.divide.Scalar_mode self other rounding_mode
    aten.divide.Tensor self other
    aten.divide.Tensor_mode self other rounding_mode
    aten.divide_.Scalar self other
    aten.divide_.Scalar_mode self other rounding_mode
    aten.divide_.Tensor self other
    aten.divide_.Tensor_mode self other rounding_mode
    aten.dot.default self tensor
    aten.dropout.default input p train
    aten.dropout_.default self p train
    aten.dsplit.array self indices
    aten.dsplit.int self sections
    aten.dstack.default tensors
    aten.einsum.default equation tensors path=n
    aten.einsum.sublist a
    aten.elu.default self alpha=i1 scale=i1 input_scale=i1
    aten.elu_.default self alpha=i1 scale=i1 input_scale=i1
    aten.elu_backward.default grad_output alpha scale input_scale is_result self_or_result
    aten.embedding.default weight indices padding_idx=i-1 scale_grad_by_freq=b0 sparse=b0
    aten.embedding_backward.default grad indices num_weights padding_idx scale_grad_by_freq sparse
    aten.embedding_bag.default weight indices offsets scale_grad_by_freq=b0 mode=i0 sparse=b0 per_sample_weights=n include_last_offset=b0
    aten.embedding_bag.padding_idx weight indices offsets scale_grad_by_freq mode sparse per_sample_weights include_last_offset padding_idx
    aten.embedding_dense_backward.default grad_output indices num_weights padding_idx scale_grad_by_freq
    aten.embedding_renorm.default self indices max_norm norm_type
    aten.embedding_renorm_.default self indices max_norm norm_type
    aten.embedding_sparse_backward.default grad indices num_weights padding_idx scale_grad_by_freq
    aten.empty.memory_format size dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.empty_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.empty_permuted.default size physical_layout dtype=n layout=n device=n pin_memory=n
    aten.empty_quantized.default size qtensor dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.empty_strided.default size stride dtype=n layout=n device=n pin_memory=n
    aten.eq.Scalar self other
    aten.eq.Tensor self other
    aten.eq.default a b
    aten.eq_.Scalar self other
    aten.eq_.Tensor self other
    aten.erf.default self
    aten.erf_.default self
    aten.erfc.default self
    aten.erfc_.default self
    aten.erfinv.default self
    aten.erfinv_.default self
    aten.exp.default self
    aten.exp2.default self
    aten.exp2_.default self
    aten.exp_.default self
    aten.expand.default self size implicit=b0
    aten.expand_as.default self other
    aten.expand_copy.default self size implicit=b0
    aten.expm1.default self
    aten.expm1_.default self
    aten.exponential.default self lambd=f1.0 generator=n
    aten.exponential_.default self lambd=f1.0 generator=n
    aten.extend.t self other
    aten.eye.default n dtype=n layout=n device=n pin_memory=n
    aten.eye.m n m dtype=n layout=n device=n pin_memory=n
    aten.fake_quantize_per_channel_affine.default self scale zero_point axis quant_min quant_max
    aten.fake_quantize_per_channel_affine_cachemask.default self scale zero_point axis quant_min quant_max
    aten.fake_quantize_per_channel_affine_cachemask_backward.default grad mask
    aten.fake_quantize_per_tensor_affine.default self scale zero_point quant_min quant_max
    aten.fake_quantize_per_tensor_affine.tensor_qparams self scale zero_point quant_min quant_max
    aten.fake_quantize_per_tensor_affine_cachemask.default self scale zero_point quant_min quant_max
    aten.fake_quantize_per_tensor_affine_cachemask_backward.default grad mask
    aten.fbgemm_linear_fp16_weight.default input packed_weight bias
    aten.fbgemm_linear_fp16_weight.out input packed_weight bias output
    aten.fbgemm_linear_fp16_weight_fp32_activation.default input packed_weight bias
    aten.fbgemm_linear_fp16_weight_fp32_activation.out input packed_weight bias output
    aten.fbgemm_linear_int8_weight.default input weight packed col_offsets weight_scale weight_zero_point bias
    aten.fbgemm_linear_int8_weight_fp32_activation.default input weight packed col_offsets weight_scale weight_zero_point bias
    aten.fbgemm_linear_quantize_weight.default input
    aten.fbgemm_pack_gemm_matrix_fp16.default input
    aten.fbgemm_pack_quantized_matrix.KN input K N
    aten.fbgemm_pack_quantized_matrix.default input
    aten.feature_alpha_dropout.default input p train
    aten.feature_alpha_dropout_.default self p train
    aten.feature_dropout.default input p train
    aten.feature_dropout_.default self p train
    aten.fft_fft.default self n=n dim=i-1 norm=n
    aten.fft_fft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_fftfreq.default n d=f1.0 dtype=n layout=n device=n pin_memory=n
    aten.fft_fftn.default self s=n dim=n norm=n
    aten.fft_fftshift.default self dim=n
    aten.fft_hfft.default self n=n dim=i-1 norm=n
    aten.fft_hfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_hfftn.default self s=n dim=n norm=n
    aten.fft_ifft.default self n=n dim=i-1 norm=n
    aten.fft_ifft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_ifftn.default self s=n dim=n norm=n
    aten.fft_ifftshift.default self dim=n
    aten.fft_ihfft.default self n=n dim=i-1 norm=n
    aten.fft_ihfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_ihfftn.default self s=n dim=n norm=n
    aten.fft_irfft.default self n=n dim=i-1 norm=n
    aten.fft_irfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_irfftn.default self s=n dim=n norm=n
    aten.fft_rfft.default self n=n dim=i-1 norm=n
    aten.fft_rfft2.default self s=n dim=I-2,-1 norm=n
    aten.fft_rfftfreq.default n d=f1.0 dtype=n layout=n device=n pin_memory=n
    aten.fft_rfftn.default self s=n dim=n norm=n
    aten.fill.Scalar self value
    aten.fill.Tensor self value
    aten.fill_.Scalar self value
    aten.fill_.Tensor self value
    aten.fill_diagonal_.default self fill_value wrap=b0
    aten.fix.default self
    aten.fix_.default self
    aten.flatten.using_ints self start_dim=i0 end_dim=i-1
    aten.flatten_dense_tensors.default tensors
    aten.flip.default self dims
    aten.fliplr.default self
    aten.flipud.default self
    aten.float_power.Scalar self exponent
    aten.float_power.Tensor_Scalar self exponent
    aten.float_power.Tensor_Tensor self exponent
    aten.float_power_.Scalar self exponent
    aten.float_power_.Tensor self exponent
    aten.floor.default self
    aten.floor_.default self
    aten.floor_divide.Scalar self other
    aten.floor_divide.default self other
    aten.floor_divide_.Scalar self other
    aten.floor_divide_.Tensor self other
    aten.fmax.default self other
    aten.fmin.default self other
    aten.fmod.Scalar self other
    aten.fmod.Tensor self other
    aten.fmod.default a b
    aten.fmod_.Scalar self other
    aten.fmod_.Tensor self other
    aten.frac.default self
    aten.frac_.default self
    aten.fractional_max_pool2d.default self kernel_size output_size random_samples
    aten.fractional_max_pool2d_backward.default grad_output self kernel_size output_size indices
    aten.fractional_max_pool3d.default self kernel_size output_size random_samples
    aten.fractional_max_pool3d_backward.default grad_output self kernel_size output_size indices
    aten.frexp.Tensor self
    aten.frobenius_norm.dim self dim keepdim=b0
    aten.from_file.default filename shared=n size=i0 dtype=n layout=n device=n pin_memory=n
    aten.full.default size fill_value dtype=n layout=n device=n pin_memory=n
    aten.full_like.default self fill_value dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.fused_moving_avg_obs_fake_quant.default self observer_on fake_quant_on running_min running_max scale zero_point averaging_const quant_min quant_max ch_axis per_row_fake_quant=b0 symmetric_quant=b0
    aten.gather.default self dim index sparse_grad=b0
    aten.gather_backward.default grad self dim index sparse_grad
    aten.gcd.default self other
    aten.gcd_.default self other
    aten.ge.Scalar self other
    aten.ge.Tensor self other
    aten.ge.default a b
    aten.ge_.Scalar self other
    aten.ge_.Tensor self other
    aten.gelu.default self approximate=snone
    aten.gelu_.default self approximate=snone
    aten.gelu_backward.default grad_output self approximate=snone
    aten.geometric.default self p generator=n
    aten.geometric_.default self p generator=n
    aten.geqrf.default self
    aten.ger.default self vec2
    aten.get_gradients.default context_id
    aten.glu.default self dim=i-1
    aten.glu_backward.default grad_output self dim
    aten.glu_backward_jvp.default grad_x grad_glu x dgrad_glu dx dim
    aten.glu_jvp.default glu x dx dim
    aten.grad.default outputs inputs grad_outputs=n retain_graph=n create_graph=b0 allow_unused=b0
    aten.gradient.array self dim edge_order=i1
    aten.gradient.scalararray self spacing dim edge_order=i1
    aten.gradient.scalarint self spacing=n dim=n edge_order=i1
    aten.gradient.scalarrayarray self spacing dim edge_order=i1
    aten.gradient.scalarrayint self spacing dim=n edge_order=i1
    aten.gradient.tensorarray self spacing dim edge_order=i1
    aten.gradient.tensorarrayint self spacing dim=n edge_order=i1
    aten.greater.Scalar self other
    aten.greater.Tensor self other
    aten.greater_.Scalar self other
    aten.greater_.Tensor self other
    aten.greater_equal.Scalar self other
    aten.greater_equal.Tensor self other
    aten.greater_equal_.Scalar self other
    aten.greater_equal_.Tensor self other
    aten.grid_sampler.default input grid interpolation_mode padding_mode align_corners
    aten.grid_sampler_2d.default input grid interpolation_mode padding_mode align_corners
    aten.grid_sampler_2d_backward.default grad_output input grid interpolation_mode padding_mode align_corners output_mask
    aten.grid_sampler_3d.default input grid interpolation_mode padding_mode align_corners
    aten.grid_sampler_3d_backward.default grad_output input grid interpolation_mode padding_mode align_corners output_mask
    aten.group_norm.default input num_groups weight=n bias=n eps=f1e-05 cudnn_enabled=b1
    aten.gru.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.gru.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.gru_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.gt.Scalar self other
    aten.gt.Tensor self other
    aten.gt.default a b
    aten.gt_.Scalar self other
    aten.gt_.Tensor self other
    aten.hamming_window.default window_length dtype=n layout=n device=n pin_memory=n
    aten.hamming_window.periodic window_length periodic dtype=n layout=n device=n pin_memory=n
    aten.hamming_window.periodic_alpha window_length periodic alpha dtype=n layout=n device=n pin_memory=n
    aten.hamming_window.periodic_alpha_beta window_length periodic alpha beta dtype=n layout=n device=n pin_memory=n
    aten.hann_window.default window_length dtype=n layout=n device=n pin_memory=n
    aten.hann_window.periodic window_length periodic dtype=n layout=n device=n pin_memory=n
    aten.hardshrink.default self lambd=f0.5
    aten.hardshrink_backward.default grad_out self lambd
    aten.hardsigmoid.default self
    aten.hardsigmoid_.default self
    aten.hardsigmoid_backward.default grad_output self
    aten.hardswish.default self
    aten.hardswish_.default self
    aten.hardswish_backward.default grad_output self
    aten.hardtanh.default self min_val=i-1 max_val=i1
    aten.hardtanh_.default self min_val=i-1 max_val=i1
    aten.hardtanh_backward.default grad_output self min_val max_val
    aten.hash_tensor.default self dim=I keepdim=b0 mode=i0
    aten.heaviside.default self values
    aten.heaviside_.default self values
    aten.hinge_embedding_loss.default self target margin=f1.0 reduction=i1
    aten.histc.default self bins=i100 min=i0 max=i0
    aten.histogram.bin_ct self bins=i100 range=n weight=n density=b0
    aten.histogram.bins_tensor self bins weight=n density=b0
    aten.histogramdd.TensorList_bins self bins range=n weight=n density=b0
    aten.histogramdd.default self bins range=n weight=n density=b0
    aten.histogramdd.int_bins self bins range=n weight=n density=b0
    aten.hsplit.array self indices
    aten.hsplit.int self sections
    aten.hspmm.default mat1 mat2
    aten.hstack.default tensors
    aten.huber_loss.default self target reduction=i1 delta=f1.0
    aten.huber_loss_backward.default grad_output self target reduction delta
    aten.hypot.default self other
    aten.hypot_.default self other
    aten.i0.default self
    aten.i0_.default self
    aten.igamma.default self other
    aten.igamma_.default self other
    aten.igammac.default self other
    aten.igammac_.default self other
    aten.im2col.default self kernel_size dilation padding stride
    aten.imag.default self
    aten.index.Tensor self indices
    aten.index.Tensor_hacked_twin self indices
    aten.index_add.default self dim index source alpha=i1
    aten.index_add_.default self dim index source alpha=i1
    aten.index_copy.default self dim index source
    aten.index_copy_.default self dim index source
    aten.index_fill.int_Scalar self dim index value
    aten.index_fill.int_Tensor self dim index value
    aten.index_fill_.int_Scalar self dim index value
    aten.index_fill_.int_Tensor self dim index value
    aten.index_put.default self indices values accumulate=b0
    aten.index_put.hacked_twin self indices values accumulate=b0
    aten.index_put_.default self indices values accumulate=b0
    aten.index_put_.hacked_twin self indices values accumulate=b0
    aten.index_reduce.default self dim index source reduce include_self=b1
    aten.index_reduce_.default self dim index source reduce include_self=b1
    aten.index_select.default self dim index
    aten.index_select_backward.default grad self_sizes dim index
    aten.indices.default self
    aten.indices_copy.default self
    aten.infinitely_differentiable_gelu_backward.default grad self
    aten.inner.default self other
    aten.insert.t self idx el
    aten.instance_norm.default input weight bias running_mean running_var use_input_stats momentum eps cudnn_enabled
    aten.int_repr.default self
    aten.inverse.default self
    aten.isclose.default self other rtol=f1e-05 atol=f1e-08 equal_nan=b0
    aten.isfinite.default self
    aten.isin.Scalar_Tensor element test_elements assume_unique=b0 invert=b0
    aten.isin.Tensor_Scalar elements test_element assume_unique=b0 invert=b0
    aten.isin.Tensor_Tensor elements test_elements assume_unique=b0 invert=b0
    aten.isinf.default self
    aten.isnan.default self
    aten.isneginf.default self
    aten.isposinf.default self
    aten.isreal.default self
    aten.istft.default self n_fft hop_length=n win_length=n window=n center=b1 normalized=b0 onesided=n length=n return_complex=b0
    aten.item.default self
    aten.items.Tensor self
    aten.items.bool self
    aten.items.float self
    aten.items.int self
    aten.items.str self
    aten.kaiser_window.beta window_length periodic beta dtype=n layout=n device=n pin_memory=n
    aten.kaiser_window.default window_length dtype=n layout=n device=n pin_memory=n
    aten.kaiser_window.periodic window_length periodic dtype=n layout=n device=n pin_memory=n
    aten.keys.Tensor self
    aten.kl_div.default self target reduction=i1 log_target=b0
    aten.kron.default self other
    aten.kthvalue.default self k dim=i-1 keepdim=b0
    aten.l1_loss.default self target reduction=i1
    aten.layer_norm.default input normalized_shape weight=n bias=n eps=f1e-05 cudnn_enable=b1
    aten.lcm.default self other
    aten.lcm_.default self other
    aten.ldexp.Tensor self other
    aten.ldexp_.default self other
    aten.le.Scalar self other
    aten.le.Tensor self other
    aten.le.default a b
    aten.le_.Scalar self other
    aten.le_.Tensor self other
    aten.leaky_relu.default self negative_slope=f0.01
    aten.leaky_relu_.default self negative_slope=f0.01
    aten.leaky_relu_backward.default grad_output self negative_slope self_is_result
    aten.lerp.Scalar self end weight
    aten.lerp.Tensor self end weight
    aten.lerp_.Scalar self end weight
    aten.lerp_.Tensor self end weight
    aten.less.Scalar self other
    aten.less.Tensor self other
    aten.less_.Scalar self other
    aten.less_.Tensor self other
    aten.less_equal.Scalar self other
    aten.less_equal.Tensor self other
    aten.less_equal_.Scalar self other
    aten.less_equal_.Tensor self other
    aten.lgamma.default self
    aten.lgamma_.default self
    aten.lift.default self
    aten.lift_fresh.default self
    aten.lift_fresh_copy.default self
    aten.linalg__powsum.default self ord=i2 dim=n keepdim=b0 dtype=n
    aten.linalg_cholesky.default self upper=b0
    aten.linalg_cholesky_ex.default self upper=b0 check_errors=b0
    aten.linalg_cond.default self p=n
    aten.linalg_cond.p_str self p
    aten.linalg_cross.default self other dim=i-1
    aten.linalg_det.default A
    aten.linalg_diagonal.default A offset=i0 dim1=i-2 dim2=i-1
    aten.linalg_eig.default self
    aten.linalg_eigh.default self UPLO=sL
    aten.linalg_eigvals.default self
    aten.linalg_eigvalsh.default self UPLO=sL
    aten.linalg_householder_product.default input tau
    aten.linalg_inv.default A
    aten.linalg_inv_ex.default A check_errors=b0
    aten.linalg_ldl_factor.default self hermitian=b0
    aten.linalg_ldl_factor_ex.default self hermitian=b0 check_errors=b0
    aten.linalg_ldl_solve.default LD pivots B hermitian=b0
    aten.linalg_lstsq.default self b rcond=n driver=n
    aten.linalg_lu.default A pivot=b1
    aten.linalg_lu_factor.default A pivot=b1
    aten.linalg_lu_factor_ex.default A pivot=b1 check_errors=b0
    aten.linalg_lu_solve.default LU pivots B left=b1 adjoint=b0
    aten.linalg_matmul.default self other
    aten.linalg_matrix_exp.default self
    aten.linalg_matrix_norm.default self ord dim=I-2,-1 keepdim=b0 dtype=n
    aten.linalg_matrix_norm.str_ord self ord=sfro dim=I-2,-1 keepdim=b0 dtype=n
    aten.linalg_matrix_power.default self n
    aten.linalg_matrix_rank.atol_rtol_float self atol=n rtol=n hermitian=b0
    aten.linalg_matrix_rank.atol_rtol_tensor input atol=n rtol=n hermitian=b0
    aten.linalg_matrix_rank.default self tol hermitian=b0
    aten.linalg_matrix_rank.tol_tensor input tol hermitian=b0
    aten.linalg_multi_dot.default tensors
    aten.linalg_norm.default self ord=n dim=n keepdim=b0 dtype=n
    aten.linalg_norm.ord_str self ord dim=n keepdim=b0 dtype=n
    aten.linalg_pinv.atol_rtol_float self atol=n rtol=n hermitian=b0
    aten.linalg_pinv.atol_rtol_tensor self atol=n rtol=n hermitian=b0
    aten.linalg_pinv.default self rcond hermitian=b0
    aten.linalg_pinv.rcond_tensor self rcond hermitian=b0
    aten.linalg_qr.default A mode=sreduced
    aten.linalg_slogdet.default A
    aten.linalg_solve.default A B left=b1
    aten.linalg_solve_ex.default A B left=b1 check_errors=b0
    aten.linalg_solve_triangular.default self B upper left=b1 unitriangular=b0
    aten.linalg_svd.default A full_matrices=b1 driver=n
    aten.linalg_svdvals.default A driver=n
    aten.linalg_tensorinv.default self ind=i2
    aten.linalg_tensorsolve.default self other dims=n
    aten.linalg_vander.default x N=n
    aten.linalg_vecdot.default x y dim=i-1
    aten.linalg_vector_norm.default self ord=i2 dim=n keepdim=b0 dtype=n
    aten.linear.default input weight bias=n
    aten.linear_backward.default self grad_output weight output_mask
    aten.linspace.Scalar_Tensor start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.Tensor_Scalar start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.Tensor_Tensor start end steps dtype=n layout=n device=n pin_memory=n
    aten.linspace.default start end steps dtype=n layout=n device=n pin_memory=n
    aten.log.default self
    aten.log10.default self
    aten.log10_.default self
    aten.log1p.default self
    aten.log1p_.default self
    aten.log2.default self
    aten.log2_.default self
    aten.log_.default self
    aten.log_normal.default self mean=f1.0 std=f2.0 generator=n
    aten.log_normal_.default self mean=f1.0 std=f2.0 generator=n
    aten.log_sigmoid.default self
    aten.log_sigmoid_backward.default grad_output self buffer
    aten.log_sigmoid_forward.default self
    aten.log_softmax.int self dim dtype=n
    aten.logaddexp.default self other
    aten.logaddexp2.default self other
    aten.logcumsumexp.default self dim
    aten.logdet.default self
    aten.logical_and.default self other
    aten.logical_and_.default self other
    aten.logical_not.default self
    aten.logical_not_.default self
    aten.logical_or.default self other
    aten.logical_or_.default self other
    aten.logical_xor.default self other
    aten.logical_xor_.default self other
    aten.logit.default self eps=n
    aten.logit_.default self eps=n
    aten.logit_backward.default grad_output self eps=n
    aten.logspace.Scalar_Tensor start end steps base=f10.0 dtype=n layout=n device=n pin_memory=n
    aten.logspace.Tensor_Scalar start end steps base=f10.0 dtype=n layout=n device=n pin_memory=n
    aten.logspace.Tensor_Tensor start end steps base=f10.0 dtype=n layout=n device=n pin_memory=n
    aten.logspace.default start end steps base=f10.0 dtype=n layout=n device=n pin_memory=n
    aten.logsumexp.default self dim keepdim=b0
    aten.lstm.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.lstm.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.lstm_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.lstm_mps_backward.default grad_y grad_hy grad_cy z_state cell_state_fwd input layersOutputs hx params has_biases num_layers dropout train bidirectional batch_first
    aten.lt.Scalar self other
    aten.lt.Tensor self other
    aten.lt_.Scalar self other
    aten.lt_.Tensor self other
    aten.lu_solve.default self LU_data LU_pivots
    aten.lu_unpack.default LU_data LU_pivots unpack_data=b1 unpack_pivots=b1
    aten.mH.a self
    aten.mH.default self
    aten.mT.a self
    aten.mT.default self
    aten.manual_seed.default seed
    aten.margin_ranking_loss.default input1 input2 target margin=f0.0 reduction=i1
    aten.masked_fill.Scalar self mask value
    aten.masked_fill.Tensor self mask value
    aten.masked_fill_.Scalar self mask value
    aten.masked_fill_.Tensor self mask value
    aten.masked_scatter.default self mask source
    aten.masked_scatter_.default self mask source
    aten.masked_scatter_backward.default grad_output mask sizes
    aten.masked_select.default self mask
    aten.masked_select_backward.default grad input mask
    aten.matmul.default self other
    aten.matmul_backward.default grad self other mask
    aten.matrix_H.a self
    aten.matrix_H.default self
    aten.matrix_exp.default self
    aten.matrix_exp_backward.default self grad
    aten.matrix_power.default self n
    aten.max.default self
    aten.max.dim self dim keepdim=b0
    aten.max.other self other
    aten.max_pool1d.default self kernel_size stride=I padding=I0 dilation=I1 ceil_mode=b0
    aten.max_pool1d_with_indices.default self kernel_size stride=I padding=I0 dilation=I1 ceil_mode=b0
    aten.max_pool2d.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.max_pool2d_backward.default grad_output self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.max_pool2d_with_indices.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.max_pool2d_with_indices_backward.default grad_output self kernel_size stride padding dilation ceil_mode indices
    aten.max_pool3d.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.max_pool3d_with_indices.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.max_pool3d_with_indices_backward.default grad_output self kernel_size stride padding dilation ceil_mode indices
    aten.max_unpool2d.default self indices output_size
    aten.max_unpool3d.default self indices output_size stride padding
    aten.maximum.default self other
    aten.mean.default self dtype=n
    aten.mean.dim self dim keepdim=b0 dtype=n
    aten.median.default self
    aten.median.dim self dim keepdim=b0
    aten.meshgrid.default tensors
    aten.meshgrid.indexing tensors indexing
    aten.min.default self
    aten.min.dim self dim keepdim=b0
    aten.min.other self other
    aten.minimum.default self other
    aten.miopen_batch_norm.default input weight bias running_mean running_var training exponential_average_factor epsilon
    aten.miopen_batch_norm_backward.default input grad_output weight running_mean running_var save_mean save_var epsilon
    aten.miopen_convolution.default self weight bias padding stride dilation groups benchmark deterministic
    aten.miopen_convolution_add_relu.default self weight z alpha bias stride padding dilation groups
    aten.miopen_convolution_relu.default self weight bias stride padding dilation groups
    aten.miopen_convolution_transpose.default self weight bias padding output_padding stride dilation groups benchmark deterministic
    aten.miopen_ctc_loss.Tensor log_probs targets input_lengths target_lengths blank deterministic zero_infinity
    aten.miopen_ctc_loss.default log_probs targets input_lengths target_lengths blank deterministic zero_infinity
    aten.miopen_depthwise_convolution.default self weight bias padding stride dilation groups benchmark deterministic
    aten.miopen_rnn.default input weight weight_stride0 hx cx mode hidden_size num_layers batch_first dropout train bidirectional batch_sizes dropout_state
    aten.miopen_rnn_backward.default input weight weight_stride0 weight_buf hx cx output grad_output grad_hy grad_cy mode hidden_size num_layers batch_first dropout train bidirectional batch_sizes dropout_state reserve output_mask
    aten.mish.default self
    aten.mish_.default self
    aten.mish_backward.default grad_output self
    aten.mkldnn_adaptive_avg_pool2d.default self output_size
    aten.mkldnn_adaptive_avg_pool2d_backward.default grad_output self
    aten.mkldnn_convolution.default self weight bias padding stride dilation groups
    aten.mkldnn_linear.default self weight bias=n
    aten.mkldnn_linear_backward.default self grad_output weight output_mask
    aten.mkldnn_linear_backward_input.default input_size grad_output weight
    aten.mkldnn_linear_backward_weights.default grad_output input weight bias_defined
    aten.mkldnn_max_pool2d.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.mkldnn_max_pool2d_backward.default grad_output output input kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.mkldnn_max_pool3d.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.mkldnn_max_pool3d_backward.default grad_output output input kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.mkldnn_reorder_conv2d_weight.default self padding=I0,0 stride=I1,1 dilation=I1,1 groups=i1 input_size=n
    aten.mkldnn_reorder_conv3d_weight.default self padding=I0,0,0 stride=I1,1,1 dilation=I1,1,1 groups=i1 input_size=n
    aten.mkldnn_rnn_layer.default input weight0 weight1 weight2 weight3 hx_ cx_ reverse batch_sizes mode hidden_size num_layers has_biases bidirectional batch_first train
    aten.mkldnn_rnn_layer_backward.default input weight1 weight2 weight3 weight4 hx_ cx_tmp output hy_ cy_ grad_output grad_hy grad_cy reverse mode hidden_size num_layers has_biases train bidirectional batch_sizes batch_first workspace
    aten.mm.default self mat2
    aten.mm.dtype self mat2 out_dtype
    aten.mode.default self dim=i-1 keepdim=b0
    aten.moveaxis.int self source destination
    aten.moveaxis.intlist self source destination
    aten.movedim.int self source destination
    aten.movedim.intlist self source destination
    aten.mps_convolution_backward.default self grad_output weight padding stride dilation groups output_mask
    aten.mps_convolution_transpose_backward.default self grad_output weight padding output_padding stride dilation groups output_mask
    aten.mse_loss.default self target reduction=i1
    aten.mse_loss_backward.default grad_output self target reduction
    aten.msort.default self
    aten.mul.Scalar self other
    aten.mul.Tensor self other
    aten.mul.default a b
    aten.mul_.Scalar self other
    aten.mul_.Tensor self other
    aten.multi_margin_loss.default self target p=i1 margin=i1 weight=n reduction=i1
    aten.multi_margin_loss_backward.default grad_output self target p margin weight=n reduction=i1
    aten.multilabel_margin_loss.default self target reduction=i1
    aten.multilabel_margin_loss_backward.default grad_output self target reduction is_target
    aten.multilabel_margin_loss_forward.default self target reduction
    aten.multinomial.default self num_samples replacement=b0 generator=n
    aten.multiply.Scalar self other
    aten.multiply.Tensor self other
    aten.multiply_.Scalar self other
    aten.multiply_.Tensor self other
    aten.mv.default self vec
    aten.mvlgamma.default self p
    aten.mvlgamma_.default self p
    aten.nan_to_num.default self nan=n posinf=n neginf=n
    aten.nan_to_num_.default self nan=n posinf=n neginf=n
    aten.nanmean.default self dim=n keepdim=b0 dtype=n
    aten.nanmedian.default self
    aten.nanmedian.dim self dim keepdim=b0
    aten.nanquantile.default self q dim=n keepdim=b0 interpolation=slinear
    aten.nanquantile.scalar self q dim=n keepdim=b0 interpolation=slinear
    aten.nansum.default self dim=n keepdim=b0 dtype=n
    aten.narrow.Tensor self dim start length
    aten.narrow.default self dim start length
    aten.narrow_copy.default self dim start length
    aten.native_batch_norm.default input weight bias running_mean running_var training momentum eps
    aten.native_batch_norm_backward.default grad_out input weight running_mean running_var save_mean save_invstd train eps output_mask
    aten.native_channel_shuffle.default self groups
    aten.native_dropout.default input p train
    aten.native_dropout_backward.default grad_output mask scale
    aten.native_group_norm.default input weight bias N C HxW group eps
    aten.native_group_norm_backward.default grad_out input mean rstd weight N C HxW group output_mask
    aten.native_layer_norm.default input normalized_shape weight bias eps
    aten.native_layer_norm_backward.default grad_out input normalized_shape mean rstd weight bias output_mask
    aten.native_norm.ScalarOpt_dim_dtype self p dim keepdim dtype
    aten.native_norm.default self p=i2
    aten.ne.Scalar self other
    aten.ne.Tensor self other
    aten.ne.default a b
    aten.ne_.Scalar self other
    aten.ne_.Tensor self other
    aten.neg.default self
    aten.neg_.default self
    aten.negative.default self
    aten.negative_.default self
    aten.nested_to_padded_tensor.default self padding output_size=n
    aten.new_empty.default self size dtype=n layout=n device=n pin_memory=n
    aten.new_empty_strided.default self size stride dtype=n layout=n device=n pin_memory=n
    aten.new_full.default self size fill_value dtype=n layout=n device=n pin_memory=n
    aten.new_ones.default self size dtype=n layout=n device=n pin_memory=n
    aten.new_zeros.default self size dtype=n layout=n device=n pin_memory=n
    aten.nextafter.default self other
    aten.nextafter_.default self other
    aten.nll_loss.default self target weight=n reduction=i1 ignore_index=i-100
    aten.nll_loss2d.default self target weight=n reduction=i1 ignore_index=i-100
    aten.nll_loss2d_backward.default grad_output self target weight reduction ignore_index total_weight
    aten.nll_loss2d_forward.default self target weight reduction ignore_index
    aten.nll_loss_backward.default grad_output self target weight reduction ignore_index total_weight
    aten.nll_loss_forward.default self target weight reduction ignore_index
    aten.nll_loss_nd.default self target weight=n reduction=i1 ignore_index=i-100
    aten.nonzero.default self
    aten.nonzero_numpy.default self
    aten.nonzero_static.default self size fill_value=i-1
    aten.norm.Scalar self p=i2
    aten.norm.ScalarOpt_dim self p dim keepdim=b0
    aten.norm.ScalarOpt_dim_dtype self p dim keepdim dtype
    aten.norm.ScalarOpt_dtype self p dtype
    aten.norm_except_dim.default v pow=i2 dim=i0
    aten.normal.Tensor_Tensor mean std generator=n
    aten.normal.Tensor_float mean std=f1.0 generator=n
    aten.normal.float_Tensor mean std generator=n
    aten.normal.float_float mean std size generator=n dtype=n layout=n device=n pin_memory=n
    aten.normal_.default self mean=f0.0 std=f1.0 generator=n
    aten.normal_functional.default self mean=f0.0 std=f1.0 generator=n
    aten.not_equal.Scalar self other
    aten.not_equal.Tensor self other
    aten.not_equal_.Scalar self other
    aten.not_equal_.Tensor self other
    aten.nuclear_norm.default self keepdim=b0
    aten.nuclear_norm.dim self dim keepdim=b0
    aten.numpy_T.a self
    aten.numpy_T.default self
    aten.one_hot.default self num_classes=i-1
    aten.ones.default size dtype=n layout=n device=n pin_memory=n
    aten.ones_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.orgqr.default self input2
    aten.ormqr.default self input2 input3 left=b1 transpose=b0
    aten.outer.default self vec2
    aten.pad.default self pad mode=sconstant value=n
    aten.pad_sequence.default sequences batch_first=b0 padding_value=f0.0 padding_side=sright
    aten.pairwise_distance.default x1 x2 p=f2.0 eps=f1e-06 keepdim=b0
    aten.pdist.default self p=f2.0
    aten.permute.default self dims
    aten.permute_copy.default self dims
    aten.pin_memory.default self device=n
    aten.pinverse.default self rcond=f1e-15
    aten.pixel_shuffle.default self upscale_factor
    aten.pixel_unshuffle.default self downscale_factor
    aten.poisson.default self generator=n
    aten.poisson_nll_loss.default input target log_input full eps reduction
    aten.polar.default abs angle
    aten.polygamma.default n self
    aten.polygamma_.default self n
    aten.popitem.Tensor self
    aten.positive.default self
    aten.pow.Scalar self exponent
    aten.pow.Tensor_Scalar self exponent
    aten.pow.Tensor_Tensor self exponent
    aten.pow_.Scalar self exponent
    aten.pow_.Tensor self exponent
    aten.prelu.default self weight
    aten.prod.default self dtype=n
    aten.prod.dim_int self dim keepdim=b0 dtype=n
    aten.put.default self index source accumulate=b0
    aten.put_.default self index source accumulate=b0
    aten.q_per_channel_scales.default self
    aten.q_per_channel_zero_points.default self
    aten.qr.default self some=b1
    aten.quantile.default self q dim=n keepdim=b0 interpolation=slinear
    aten.quantile.scalar self q dim=n keepdim=b0 interpolation=slinear
    aten.quantize_per_channel.default self scales zero_points axis dtype
    aten.quantize_per_tensor.default self scale zero_point dtype
    aten.quantize_per_tensor.tensor_qparams self scale zero_point dtype
    aten.quantize_per_tensor.tensors tensors scales zero_points dtype
    aten.quantize_per_tensor_dynamic.default self dtype reduce_range
    aten.quantized_batch_norm.default input weight bias mean var eps output_scale output_zero_point
    aten.quantized_gru.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.quantized_gru.data_legacy data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.quantized_gru.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.quantized_gru.input_legacy input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.quantized_gru_cell.default input hx w_ih w_hh b_ih b_hh packed_ih packed_hh col_offsets_ih col_offsets_hh scale_ih scale_hh zero_point_ih zero_point_hh
    aten.quantized_lstm.data data batch_sizes hx params has_biases num_layers dropout train bidirectional dtype=n use_dynamic=b0
    aten.quantized_lstm.data_legacy data batch_sizes hx params has_biases num_layers dropout train bidirectional dtype=n use_dynamic=b0
    aten.quantized_lstm.input input hx params has_biases num_layers dropout train bidirectional batch_first dtype=n use_dynamic=b0
    aten.quantized_lstm.input_legacy input hx params has_biases num_layers dropout train bidirectional batch_first dtype=n use_dynamic=b0
    aten.quantized_lstm_cell.default input hx w_ih w_hh b_ih b_hh packed_ih packed_hh col_offsets_ih col_offsets_hh scale_ih scale_hh zero_point_ih zero_point_hh
    aten.quantized_max_pool1d.default self kernel_size stride=I padding=I0 dilation=I1 ceil_mode=b0
    aten.quantized_max_pool2d.default self kernel_size stride=I padding=I0,0 dilation=I1,1 ceil_mode=b0
    aten.quantized_max_pool3d.default self kernel_size stride=I padding=I0,0,0 dilation=I1,1,1 ceil_mode=b0
    aten.quantized_rnn_relu_cell.default input hx w_ih w_hh b_ih b_hh packed_ih packed_hh col_offsets_ih col_offsets_hh scale_ih scale_hh zero_point_ih zero_point_hh
    aten.quantized_rnn_tanh_cell.default input hx w_ih w_hh b_ih b_hh packed_ih packed_hh col_offsets_ih col_offsets_hh scale_ih scale_hh zero_point_ih zero_point_hh
    aten.rad2deg.default self
    aten.rad2deg_.default self
    aten.rand.default size dtype=n layout=n device=n pin_memory=n
    aten.rand.generator size generator dtype=n layout=n device=n pin_memory=n
    aten.rand_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.rand_like.generator self generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint.default high size dtype=i4 layout=n device=n pin_memory=n
    aten.randint.generator high size generator dtype=i4 layout=n device=n pin_memory=n
    aten.randint.low low high size dtype=i4 layout=n device=n pin_memory=n
    aten.randint.low_generator low high size generator dtype=i4 layout=n device=n pin_memory=n
    aten.randint_like.Tensor self high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.Tensor_generator self high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.default self high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.generator self high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.low_dtype self low high dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randint_like.low_generator_dtype self low high generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randn.default size dtype=n layout=n device=n pin_memory=n
    aten.randn.generator size generator dtype=n layout=n device=n pin_memory=n
    aten.randn_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.randn_like.generator self generator dtype=n layout=n device=n pin_memory=n memory_format=n
    aten.random.default self generator=n
    aten.random.from self from to generator=n
    aten.random.to self to generator=n
    aten.random_.default self generator=n
    aten.random_.from self from to generator=n
    aten.random_.to self to generator=n
    aten.randperm.default n dtype=i4 layout=n device=n pin_memory=n
    aten.randperm.generator n generator dtype=i4 layout=n device=n pin_memory=n
    aten.range.default start end dtype=n layout=n device=n pin_memory=n
    aten.range.step start end step=i1 dtype=n layout=n device=n pin_memory=n
    aten.ravel.default self
    aten.real.default self
    aten.reciprocal.default self
    aten.reciprocal_.default self
    aten.record_stream.default self s
    aten.reflection_pad1d.default self padding
    aten.reflection_pad1d_backward.default grad_output self padding
    aten.reflection_pad2d.default self padding
    aten.reflection_pad2d_backward.default grad_output self padding
    aten.reflection_pad3d.default self padding
    aten.reflection_pad3d_backward.default grad_output self padding
    aten.relu.default self
    aten.relu6.default self
    aten.relu6_.default self
    aten.relu_.default self
    aten.remainder.Scalar self other
    aten.remainder.Scalar_Tensor self other
    aten.remainder.Tensor self other
    aten.remainder.default a b
    aten.remainder_.Scalar self other
    aten.remainder_.Tensor self other
    aten.remove.Tensor self el
    aten.remove.bool self el
    aten.remove.float self el
    aten.remove.int self el
    aten.remove.str self el
    aten.renorm.default self p dim maxnorm
    aten.renorm_.default self p dim maxnorm
    aten.repeat.default self repeats
    aten.repeat_interleave.Tensor repeats output_size=n
    aten.repeat_interleave.self_Tensor self repeats dim=n output_size=n
    aten.repeat_interleave.self_int self repeats dim=n output_size=n
    aten.replication_pad1d.default self padding
    aten.replication_pad1d_backward.default grad_output self padding
    aten.replication_pad2d.default self padding
    aten.replication_pad2d_backward.default grad_output self padding
    aten.replication_pad3d.default self padding
    aten.replication_pad3d_backward.default grad_output self padding
    aten.requires_grad_.default self requires_grad=b1
    aten.reshape.default self shape
    aten.reshape_as.default self other
    aten.resize.default self size memory_format=n
    aten.resize_.default self size memory_format=n
    aten.resize_as.default self the_template memory_format=n
    aten.resize_as_.default self the_template memory_format=n
    aten.resize_as_sparse.default self the_template
    aten.resize_as_sparse_.default self the_template
    aten.resolve_conj.default self
    aten.resolve_neg.default self
    aten.retain_grad.default self
    aten.reverse.t self
    aten.rms_norm.default input normalized_shape weight=n eps=n
    aten.rnn_relu.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.rnn_relu.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.rnn_relu_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.rnn_tanh.data data batch_sizes hx params has_biases num_layers dropout train bidirectional
    aten.rnn_tanh.input input hx params has_biases num_layers dropout train bidirectional batch_first
    aten.rnn_tanh_cell.default input hx w_ih w_hh b_ih=n b_hh=n
    aten.roll.default self shifts dims=I
    aten.rot90.default self k=i1 dims=I0,1
    aten.round.decimals self decimals
    aten.round.default self
    aten.round_.decimals self decimals
    aten.round_.default self
    aten.row_indices.default self
    aten.row_indices_copy.default self
    aten.row_stack.default tensors
    aten.rrelu.default self lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rrelu_.default self lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rrelu_with_noise.default self noise lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rrelu_with_noise_.default self noise lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rrelu_with_noise_backward.default grad_output self noise lower upper training self_is_result
    aten.rrelu_with_noise_functional.default self noise lower=f0.125 upper=f0.3333333333333333 training=b0 generator=n
    aten.rsqrt.default self
    aten.rsqrt_.default self
    aten.rsub.Scalar self other alpha=i1
    aten.rsub.Tensor self other alpha=i1
    aten.save.default item filename
    aten.scalar_tensor.default s dtype=n layout=n device=n pin_memory=n
    aten.scaled_dot_product_attention.default query key value attn_mask=n dropout_p=f0.0 is_causal=b0 scale=n enable_gqa=b0
    aten.scatter.reduce self dim index src reduce
    aten.scatter.src self dim index src
    aten.scatter.value self dim index value
    aten.scatter.value_reduce self dim index value reduce
    aten.scatter_.reduce self dim index src reduce
    aten.scatter_.src self dim index src
    aten.scatter_.value self dim index value
    aten.scatter_.value_reduce self dim index value reduce
    aten.scatter_add.default self dim index src
    aten.scatter_add_.default self dim index src
    aten.scatter_reduce.two self dim index src reduce include_self=b1
    aten.scatter_reduce_.two self dim index src reduce include_self=b1
    aten.searchsorted.Scalar sorted_sequence self out_int32=b0 right=b0 side=n sorter=n
    aten.searchsorted.Tensor sorted_sequence self out_int32=b0 right=b0 side=n sorter=n
    aten.segment_reduce.default data reduce lengths=n indices=n offsets=n axis=i0 unsafe=b0 initial=n
    aten.select.int self dim index
    aten.select_backward.default grad_output input_sizes dim index
    aten.select_copy.int self dim index
    aten.select_scatter.default self src dim index
    aten.selu.default self
    aten.selu_.default self
    aten.set.default self
    aten.set.source_Storage self source
    aten.set.source_Storage_storage_offset self source storage_offset size stride=I
    aten.set.source_Tensor self source
    aten.set_.default self
    aten.set_.source_Storage self source
    aten.set_.source_Storage_storage_offset self source storage_offset size stride=I
    aten.set_.source_Tensor self source
    aten.set_.source_Tensor_storage_offset self source storage_offset size stride=I
    aten.set_data.default self new_data
    aten.set_grad_enabled.default val
    aten.sgn.default self
    aten.sgn_.default self
    aten.sigmoid.default self
    aten.sigmoid_.default self
    aten.sigmoid_backward.default grad_output output
    aten.sign.default self
    aten.sign_.default self
    aten.signbit.default self
    aten.silu.default self
    aten.silu_.default self
    aten.silu_backward.default grad_output self
    aten.sin.default self
    aten.sin_.default self
    aten.sinc.default self
    aten.sinc_.default self
    aten.sinh.default self
    aten.sinh_.default self
    aten.slice.Tensor self dim=i0 start=n end=n step=i1
    aten.slice_backward.default grad_output input_sizes dim start end step
    aten.slice_copy.Tensor self dim=i0 start=n end=n step=i1
    aten.slice_inverse.default self src dim=i0 start=n end=n step=i1
    aten.slice_scatter.default self src dim=i0 start=n end=n step=i1
    aten.slogdet.default self
    aten.slow_conv3d.default self weight kernel_size bias=n stride=I1,1,1 padding=I0,0,0
    aten.slow_conv3d_forward.default self weight kernel_size bias stride padding
    aten.slow_conv_dilated2d.default self weight kernel_size bias=n stride=I1,1 padding=I0,0 dilation=I1,1
    aten.slow_conv_dilated3d.default self weight kernel_size bias=n stride=I1,1,1 padding=I0,0,0 dilation=I1,1,1
    aten.slow_conv_transpose2d.default self weight kernel_size bias=n stride=I1,1 padding=I0,0 output_padding=I0,0 dilation=I1,1
    aten.slow_conv_transpose3d.default self weight kernel_size bias=n stride=I1,1,1 padding=I0,0,0 output_padding=I0,0,0 dilation=I1,1,1
    aten.smm.default self mat2
    aten.smooth_l1_loss.default self target reduction=i1 beta=f1.0
    aten.smooth_l1_loss_backward.default grad_output self target reduction beta
    aten.soft_margin_loss.default self target reduction=i1
    aten.soft_margin_loss_backward.default grad_output self target reduction
    aten.softmax.int self dim dtype=n
    aten.softplus.default self beta=i1 threshold=i20
    aten.softplus_backward.default grad_output self beta threshold
    aten.softshrink.default self lambd=f0.5
    aten.softshrink_backward.default grad_output self lambd
    aten.sort.Tensor self reverse=b0
    aten.sort.any self reverse=b0
    aten.sort.bool self reverse=b0
    aten.sort.default self dim=i-1 descending=b0
    aten.sort.float self reverse=b0
    aten.sort.int self reverse=b0
    aten.sort.stable self stable dim=i-1 descending=b0
    aten.sort.str self reverse=b0
    aten.sorted.Tensor input
    aten.sparse_bsc_tensor.ccol_row_value ccol_indices row_indices values dtype=n layout=n device=n pin_memory=b0
    aten.sparse_bsc_tensor.ccol_row_value_size ccol_indices row_indices values size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_bsr_tensor.crow_col_value crow_indices col_indices values dtype=n layout=n device=n pin_memory=b0
    aten.sparse_bsr_tensor.crow_col_value_size crow_indices col_indices values size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_compressed_tensor.comp_plain_value compressed_indices plain_indices values dtype=n layout=n device=n pin_memory=b0
    aten.sparse_compressed_tensor.comp_plain_value_size compressed_indices plain_indices values size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_coo_tensor.indices indices values dtype=n layout=n device=n pin_memory=n is_coalesced=n
    aten.sparse_coo_tensor.indices_size indices values size dtype=n layout=n device=n pin_memory=n is_coalesced=n
    aten.sparse_coo_tensor.size size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_csc_tensor.ccol_row_value ccol_indices row_indices values dtype=n layout=n device=n pin_memory=b0
    aten.sparse_csc_tensor.ccol_row_value_size ccol_indices row_indices values size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_csr_tensor.crow_col_value crow_indices col_indices values dtype=n layout=n device=n pin_memory=b0
    aten.sparse_csr_tensor.crow_col_value_size crow_indices col_indices values size dtype=n layout=n device=n pin_memory=b0
    aten.sparse_mask.default self mask
    aten.sparse_resize.default self size sparse_dim dense_dim
    aten.sparse_resize_.default self size sparse_dim dense_dim
    aten.sparse_resize_and_clear.default self size sparse_dim dense_dim
    aten.sparse_resize_and_clear_.default self size sparse_dim dense_dim
    aten.sparse_sampled_addmm.default self mat1 mat2 beta=i1 alpha=i1
    aten.special_airy_ai.default x
    aten.special_bessel_j0.default self
    aten.special_bessel_j1.default self
    aten.special_bessel_y0.default self
    aten.special_bessel_y1.default self
    aten.special_chebyshev_polynomial_t.default x n
    aten.special_chebyshev_polynomial_t.n_scalar x n
    aten.special_chebyshev_polynomial_t.x_scalar x n
    aten.special_chebyshev_polynomial_u.default x n
    aten.special_chebyshev_polynomial_u.n_scalar x n
    aten.special_chebyshev_polynomial_u.x_scalar x n
    aten.special_chebyshev_polynomial_v.default x n
    aten.special_chebyshev_polynomial_v.n_scalar x n
    aten.special_chebyshev_polynomial_v.x_scalar x n
    aten.special_chebyshev_polynomial_w.default x n
    aten.special_chebyshev_polynomial_w.n_scalar x n
    aten.special_chebyshev_polynomial_w.x_scalar x n
    aten.special_digamma.default self
    aten.special_entr.default self
    aten.special_erf.default self
    aten.special_erfc.default self
    aten.special_erfcx.default self
    aten.special_erfinv.default self
    aten.special_exp2.default self
    aten.special_expit.default self
    aten.special_expm1.default self
    aten.special_gammainc.default self other
    aten.special_gammaincc.default self other
    aten.special_gammaln.default self
    aten.special_hermite_polynomial_h.default x n
    aten.special_hermite_polynomial_h.n_scalar x n
    aten.special_hermite_polynomial_h.x_scalar x n
    aten.special_hermite_polynomial_he.default x n
    aten.special_hermite_polynomial_he.n_scalar x n
    aten.special_hermite_polynomial_he.x_scalar x n
    aten.special_i0.default self
    aten.special_i0e.default self
    aten.special_i1.default self
    aten.special_i1e.default self
    aten.special_laguerre_polynomial_l.default x n
    aten.special_laguerre_polynomial_l.n_scalar x n
    aten.special_laguerre_polynomial_l.x_scalar x n
    aten.special_legendre_polynomial_p.default x n
    aten.special_legendre_polynomial_p.n_scalar x n
    aten.special_legendre_polynomial_p.x_scalar x n
    aten.special_log1p.default self
    aten.special_log_ndtr.default self
    aten.special_log_softmax.default self dim dtype=n
    aten.special_logit.default self eps=n
    aten.special_logsumexp.default self dim keepdim=b0
    aten.special_modified_bessel_i0.default self
    aten.special_modified_bessel_i1.default self
    aten.special_modified_bessel_k0.default self
    aten.special_modified_bessel_k1.default self
    aten.special_multigammaln.default self p
    aten.special_ndtr.default self
    aten.special_ndtri.default self
    aten.special_polygamma.default n self
    aten.special_psi.default self
    aten.special_round.default self decimals=i0
    aten.special_scaled_modified_bessel_k0.default x
    aten.special_scaled_modified_bessel_k1.default x
    aten.special_shifted_chebyshev_polynomial_t.default x n
    aten.special_shifted_chebyshev_polynomial_t.n_scalar x n
    aten.special_shifted_chebyshev_polynomial_t.x_scalar x n
    aten.special_shifted_chebyshev_polynomial_u.default x n
    aten.special_shifted_chebyshev_polynomial_u.n_scalar x n
    aten.special_shifted_chebyshev_polynomial_u.x_scalar x n
    aten.special_shifted_chebyshev_polynomial_v.default x n
    aten.special_shifted_chebyshev_polynomial_v.n_scalar x n
    aten.special_shifted_chebyshev_polynomial_v.x_scalar x n
    aten.special_shifted_chebyshev_polynomial_w.default x n
    aten.special_shifted_chebyshev_polynomial_w.n_scalar x n
    aten.special_shifted_chebyshev_polynomial_w.x_scalar x n
    aten.special_sinc.default self
    aten.special_softmax.default self dim dtype=n
    aten.special_spherical_bessel_j0.default x
    aten.special_xlog1py.default self other
    aten.special_xlog1py.other_scalar self other
    aten.special_xlog1py.self_scalar self other
    aten.special_xlogy.default self other
    aten.special_xlogy.other_scalar self other
    aten.special_xlogy.self_scalar self other
    aten.special_zeta.default self other
    aten.special_zeta.other_scalar self other
    aten.special_zeta.self_scalar self other
    aten.split.Tensor self split_size dim=i0
    aten.split.default self split_sizes dim=i0
    aten.split.sizes self split_size dim=i0
    aten.split_copy.Tensor self split_size dim=i0
    aten.split_with_sizes.default self split_sizes dim=i0
    aten.split_with_sizes_copy.default self split_sizes dim=i0
    aten.sqrt.default self
    aten.sqrt_.default self
    aten.square.default self
    aten.square_.default self
    aten.squeeze.default self
    aten.squeeze.dim self dim
    aten.squeeze.dims self dim
    aten.squeeze_.default self
    aten.squeeze_.dim self dim
    aten.squeeze_.dims self dim
    aten.squeeze_copy.default self
    aten.squeeze_copy.dim self dim
    aten.squeeze_copy.dims self dim
    aten.sspaddmm.default self mat1 mat2 beta=i1 alpha=i1
    aten.stack.default tensors dim=i0
    aten.std.correction self dim=n correction=n keepdim=b0
    aten.std.default self unbiased=b1
    aten.std.dim self dim unbiased=b1 keepdim=b0
    aten.std_mean.correction self dim=n correction=n keepdim=b0
    aten.std_mean.default self unbiased=b1
    aten.std_mean.dim self dim unbiased=b1 keepdim=b0
    aten.stft.center self n_fft hop_length=n win_length=n window=n center=b1 pad_mode=sreflect normalized=b0 onesided=n return_complex=n align_to_window=n
    aten.stft.default self n_fft hop_length=n win_length=n window=n normalized=b0 onesided=n return_complex=n align_to_window=n
    aten.sub.Scalar self other alpha=i1
    aten.sub.Tensor self other alpha=i1
    aten.sub.default a b
    aten.sub_.Scalar self other alpha=i1
    aten.sub_.Tensor self other alpha=i1
    aten.subtract.Scalar self other alpha=i1
    aten.subtract.Tensor self other alpha=i1
    aten.subtract_.Scalar self other alpha=i1
    aten.subtract_.Tensor self other alpha=i1
    aten.sum.default self dtype=n
    aten.sum.dim_IntList self dim keepdim=b0 dtype=n
    aten.sum_to_size.default self size
    aten.svd.default self some=b1 compute_uv=b1
    aten.swapaxes.default self axis0 axis1
    aten.swapaxes_.default self axis0 axis1
    aten.swapdims.default self dim0 dim1
    aten.swapdims_.default self dim0 dim1
    aten.sym_constrain_range.default size min=n max=n
    aten.sym_constrain_range_for_size.default size min=n max=n
    aten.sym_is_contiguous.default self memory_format=i0
    aten.sym_numel.default self
    aten.sym_size.default self
    aten.sym_size.int self dim
    aten.sym_storage_offset.default self
    aten.sym_stride.default self
    aten.sym_stride.int self dim
    aten.t.default self
    aten.t_.default self
    aten.t_copy.default self
    aten.take.default self index
    aten.take_along_dim.default self indices dim=n
    aten.tan.default self
    aten.tan_.default self
    aten.tanh.default self
    aten.tanh_.default self
    aten.tanh_backward.default grad_output output
    aten.tensor.bool t dtype=n device=n requires_grad=b0
    aten.tensor.default data dtype=n device=n requires_grad=b0
    aten.tensor.float t dtype=n device=n requires_grad=b0
    aten.tensor.int t dtype=n device=n requires_grad=b0
    aten.tensor_split.indices self indices dim=i0
    aten.tensor_split.sections self sections dim=i0
    aten.tensor_split.tensor_indices_or_sections self tensor_indices_or_sections dim=i0
    aten.tensordot.default self other dims_self dims_other
    aten.thnn_conv2d.default self weight kernel_size bias=n stride=I1,1 padding=I0,0
    aten.threshold.default self threshold value
    aten.threshold_.default self threshold value
    aten.threshold_backward.default grad_output self threshold
    aten.tile.default self dims
    aten.to.device self device dtype non_blocking=b0 copy=b0 memory_format=n
    aten.to.dtype self dtype non_blocking=b0 copy=b0 memory_format=n
    aten.to.dtype_layout self dtype=n layout=n device=n pin_memory=n non_blocking=b0 copy=b0 memory_format=n
    aten.to.other self other non_blocking=b0 copy=b0 memory_format=n
    aten.to.prim_Device self device dtype=n non_blocking=b0 copy=b0
    aten.to.prim_dtype self dtype=n non_blocking=b0 copy=b0
    aten.to.prim_other self non_blocking=b0 copy=b0
    aten.to_dense.default self dtype=n masked_grad=n
    aten.to_dense_backward.default grad input masked_grad=n
    aten.to_mkldnn.default self dtype=n
    aten.to_mkldnn_backward.default grad input
    aten.to_padded_tensor.default self padding output_size=n
    aten.to_sparse.default self layout=n blocksize=n dense_dim=n
    aten.to_sparse.sparse_dim self sparse_dim
    aten.to_sparse_bsc.default self blocksize dense_dim=n
    aten.to_sparse_bsr.default self blocksize dense_dim=n
    aten.to_sparse_csc.default self dense_dim=n
    aten.to_sparse_csr.default self dense_dim=n
    aten.topk.default self k dim=i-1 largest=b1 sorted=b1
    aten.trace.default self
    aten.trace_backward.default grad sizes
    aten.transpose.int self dim0 dim1
    aten.transpose_.default self dim0 dim1
    aten.transpose_copy.int self dim0 dim1
    aten.trapezoid.dx y dx=i1 dim=i-1
    aten.trapezoid.x y x dim=i-1
    aten.trapz.dx y dx=f1.0 dim=i-1
    aten.trapz.x y x dim=i-1
    aten.triangular_solve.default self A upper=b1 transpose=b0 unitriangular=b0
    aten.tril.default self diagonal=i0
    aten.tril_.default self diagonal=i0
    aten.tril_indices.default row col offset=i0 dtype=i4 layout=n device=n pin_memory=n
    aten.triplet_margin_loss.default anchor positive negative margin=f1.0 p=f2.0 eps=f1e-06 swap=b0 reduction=i1
    aten.triu.default self diagonal=i0
    aten.triu_.default self diagonal=i0
    aten.triu_indices.default row col offset=i0 dtype=i4 layout=n device=n pin_memory=n
    aten.true_divide.Scalar self other
    aten.true_divide.Tensor self other
    aten.true_divide_.Scalar self other
    aten.true_divide_.Tensor self other
    aten.trunc.default self
    aten.trunc_.default self
    aten.type_as.default self other
    aten.unbind.int self dim=i0
    aten.unbind_copy.int self dim=i0
    aten.unflatten.int self dim sizes
    aten.unflatten_dense_tensors.default flat tensors
    aten.unfold.default self dimension size step
    aten.unfold_backward.default grad_in input_sizes dim size step
    aten.unfold_copy.default self dimension size step
    aten.uniform.default self from=f0.0 to=f1.0 generator=n
    aten.uniform_.default self from=f0.0 to=f1.0 generator=n
    aten.unique_consecutive.default self return_inverse=b0 return_counts=b0 dim=n
    aten.unique_dim.default self dim sorted=b1 return_inverse=b0 return_counts=b0
    aten.unique_dim_consecutive.default self dim return_inverse=b0 return_counts=b0
    aten.unsafe_chunk.default self chunks dim=i0
    aten.unsafe_split.Tensor self split_size dim=i0
    aten.unsafe_split_with_sizes.default self split_sizes dim=i0
    aten.unsqueeze.default self dim
    aten.unsqueeze_.default self dim
    aten.unsqueeze_copy.default self dim
    aten.update.Tensor self to_add
    aten.update.bool self to_add
    aten.update.float self to_add
    aten.update.int self to_add
    aten.update.str self to_add
    aten.upsample_bicubic2d.default self output_size align_corners scales_h=n scales_w=n
    aten.upsample_bicubic2d.vec input output_size align_corners scale_factors
    aten.upsample_bicubic2d_backward.default grad_output output_size input_size align_corners scales_h=n scales_w=n
    aten.upsample_bilinear2d.default self output_size align_corners scales_h=n scales_w=n
    aten.upsample_bilinear2d.vec input output_size align_corners scale_factors
    aten.upsample_bilinear2d_backward.default grad_output output_size input_size align_corners scales_h=n scales_w=n
    aten.upsample_linear1d.default self output_size align_corners scales=n
    aten.upsample_linear1d.vec input output_size align_corners scale_factors
    aten.upsample_linear1d_backward.default grad_output output_size input_size align_corners scales=n
    aten.upsample_nearest1d.default self output_size scales=n
    aten.upsample_nearest1d.vec input output_size scale_factors
    aten.upsample_nearest1d_backward.default grad_output output_size input_size scales=n
    aten.upsample_nearest2d.default self output_size scales_h=n scales_w=n
    aten.upsample_nearest2d.vec input output_size scale_factors
    aten.upsample_nearest2d_backward.default grad_output output_size input_size scales_h=n scales_w=n
    aten.upsample_nearest3d.default self output_size scales_d=n scales_h=n scales_w=n
    aten.upsample_nearest3d.vec input output_size scale_factors
    aten.upsample_nearest3d_backward.default grad_output output_size input_size scales_d=n scales_h=n scales_w=n
    aten.upsample_trilinear3d.default self output_size align_corners scales_d=n scales_h=n scales_w=n
    aten.upsample_trilinear3d.vec input output_size align_corners scale_factors
    aten.upsample_trilinear3d_backward.default grad_output output_size input_size align_corners scales_d=n scales_h=n scales_w=n
    aten.value_selecting_reduction_backward.default grad dim indices sizes keepdim
    aten.values.default self
    aten.values_copy.default self
    aten.vander.default x N=n increasing=b0
    aten.var.correction self dim=n correction=n keepdim=b0
    aten.var.default self unbiased=b1
    aten.var.dim self dim unbiased=b1 keepdim=b0
    aten.var_mean.correction self dim=n correction=n keepdim=b0
    aten.var_mean.default self unbiased=b1
    aten.var_mean.dim self dim unbiased=b1 keepdim=b0
    aten.vdot.default self other
    aten.view.default self size
    aten.view.dtype self dtype
    aten.view_as.default self other
    aten.view_as_complex.default self
    aten.view_as_complex_copy.default self
    aten.view_as_real.default self
    aten.view_as_real_copy.default self
    aten.view_copy.default self size
    aten.view_copy.dtype self dtype
    aten.vsplit.array self indices
    aten.vsplit.int self sections
    aten.vstack.default tensors
    aten.warn.default message stacklevel=i2
    aten.where.Scalar condition self other
    aten.where.ScalarOther condition self other
    aten.where.ScalarSelf condition self other
    aten.where.default condition
    aten.where.self condition self other
    aten.xlogy.Scalar_Other self other
    aten.xlogy.Scalar_Self self other
    aten.xlogy.Tensor self other
    aten.xlogy_.Scalar_Other self other
    aten.xlogy_.Tensor self other
    aten.zero.default self
    aten.zero_.default self
    aten.zeros.default size dtype=n layout=n device=n pin_memory=n
    aten.zeros_like.default self dtype=n layout=n device=n pin_memory=n memory_format=n
    """#
